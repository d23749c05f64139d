//! The document as it is served: against its golden file, against the routes of the app, and in itself.

mod bounds;
mod golden;
mod routes;
mod stage;
mod whole;
