//! The application behind one small type, so that the dispatchers know nothing of its type parameters.

use std::{fmt, rc::Rc};

use actix_http::{Request, Response};
use actix_service::{IntoServiceFactory, Service, ServiceFactory, boxed};
use actix_web::{
    Error,
    body::{BoxBody, MessageBody},
    dev::AppConfig,
};
use futures_util::TryFutureExt as _;

/// The application of one worker. A failure is a response too.
pub(super) type AppService = boxed::RcService<Request, Response<BoxBody>, Response<BoxBody>>;

/// Builds the application on the thread that will run it.
pub(super) async fn build<I, S, B>(app: I) -> Result<AppService, String>
where
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Service: 'static,
    <S::Service as Service<Request>>::Future: 'static,
    S::Error: Into<Error> + 'static,
    S::InitError: fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    B: MessageBody + 'static,
{
    let service =
        app.into_factory().new_service(AppConfig::default()).await.map_err(|error| format!("{error:?}"))?;
    let service = Rc::new(service);
    Ok(boxed::rc_service(actix_service::fn_service(move |request: Request| {
        service
            .call(request)
            .map_ok(|response| response.into().map_body(|_, body| body.boxed()))
            .map_err(|error| Response::from(error.into()))
    })))
}
