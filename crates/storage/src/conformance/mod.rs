//! What every backend promises, a function a promise. A backend joins with one line: `conformance::promises!(subject)`.
//!
//! The doc comment of each function is the sentence of the specification that it holds the backend to.

mod fencing;
mod fifo;
mod inbox;
mod reading;
mod subject;
mod survival;

pub use fencing::*;
pub use fifo::*;
pub use inbox::*;
pub use reading::*;
pub use subject::{Ear, Heard, Store, Subject, changes, put};
pub use survival::*;

/// A test for each promise, on the subject that the expression makes.
#[macro_export]
macro_rules! promises {
    ($subject:expr) => {
        $crate::promises!(@ $subject;
            a_batch_is_seen_as_a_whole_or_not_at_all,
            who_was_told_can_read,
            the_last_write_of_a_key_wins,
            ranges_are_read_in_order_from_either_end,
            a_moment_stays_as_it_is,
            places_are_given_in_the_order_of_the_calls,
            a_listener_hears_its_own_places_in_order,
            a_claim_fences_the_owner_before_it,
            nothing_of_a_fenced_owner_becomes_durable,
            a_claim_says_where_numbers_stand,
            a_shard_that_does_not_exist_cannot_be_claimed,
            records_wait_in_order_until_they_are_applied,
            a_record_applied_before_it_is_durable_leaves_nothing,
            sources_are_those_with_records_left,
            what_was_announced_survives,
            what_was_read_survives,
            what_survives_is_a_prefix,
            epochs_rise_over_restarts
        );
    };
    (@ $subject:expr; $($promise:ident),+) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $promise() {
            $crate::conformance::$promise($subject).await;
        })+
    };
}
