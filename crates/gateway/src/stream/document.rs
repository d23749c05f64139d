//! The paths of this module, for the OpenAPI document.

use utoipa::OpenApi;

use super::{open, operations, snapshot, sync};

/// What the handlers of this module say of themselves.
#[derive(OpenApi)]
#[openapi(paths(open::stream, operations::operations, sync::sync, sync::ack, snapshot::page))]
pub(crate) struct Paths;
