//! `GET /v1/connection-info`: how a device is to connect. Asked without a token, before anything else.

use actix_web::web::{Data, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::connection::Transport;
use crate::problem::{Code, Problem};
use crate::request::Query;
use crate::state::Gateway;

/// Which device asks.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct InfoQuery {
    /// As it would register: `ios`, `android`, `web` …
    platform: Option<String>,
    /// Of the client, `major.minor.patch`; missing numbers count as 0.
    version: Option<String>,
}

/// How to connect.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct ConnectionInfo {
    /// Which way first.
    transport: Transport,
    /// Which way when that fails.
    fallback: Transport,
    /// Where the stream is.
    stream: StreamInfo,
    /// Where the long-poll is.
    long_poll: LongPollInfo,
    /// Seconds until this is to be asked again.
    ask_again_s: u64,
}

#[derive(Serialize, ToSchema)]
struct StreamInfo {
    path: &'static str,
    /// How often a heartbeat comes when nothing else does.
    heartbeat_ms: u64,
}

#[derive(Serialize, ToSchema)]
struct LongPollInfo {
    path: &'static str,
    /// How long it waits at most.
    max_wait_ms: u64,
}

/// Tells a device how to connect. Asked before anything else.
#[utoipa::path(
    get, path = "/v1/connection-info", operation_id = "connection_info", tag = "node",
    security(()), params(InfoQuery),
    responses((status = 200, body = ConnectionInfo)),
)]
pub(in crate::api) async fn get(
    query: Query<InfoQuery>,
    gateway: Data<Gateway>,
) -> Result<Json<ConnectionInfo>, Problem> {
    let version = query.0.version.as_deref().map(str::parse).transpose();
    let version = version
        .map_err(|why: String| Problem::new(Code::InvalidRequest).detail(why).with("field", "version"))?;
    let rules = gateway.connection.rules();
    let transport = rules.transport(query.0.platform.as_deref(), version);
    let fallback = match transport {
        Transport::Stream => Transport::LongPoll,
        Transport::LongPoll => Transport::Stream,
    };
    Ok(Json(ConnectionInfo {
        transport,
        fallback,
        stream: StreamInfo { path: "/v1/stream", heartbeat_ms: gateway.options.heartbeat_ms.get() },
        long_poll: LongPollInfo { path: "/v1/operations", max_wait_ms: gateway.options.max_wait_ms.get() },
        ask_again_s: rules.ask_again_s.get(),
    }))
}
