//! librdkafka's errors as ours.

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::log::{ErrorKind, LogError};

pub(super) fn foreign(error: &KafkaError) -> LogError {
    let kind = match error {
        KafkaError::MessageConsumptionFatal(_) => ErrorKind::Fatal,
        KafkaError::ClientConfig(..) | KafkaError::ClientCreation(_) | KafkaError::Nul(_) => {
            ErrorKind::Invalid
        }
        KafkaError::Canceled => ErrorKind::Closed,
        other => other.rdkafka_error_code().map_or(ErrorKind::Unavailable, of_code),
    };
    LogError::new(kind, error.to_string())
}

pub(super) fn of_code(code: RDKafkaErrorCode) -> ErrorKind {
    match code {
        RDKafkaErrorCode::UnknownTopic | RDKafkaErrorCode::UnknownTopicOrPartition => ErrorKind::NoTopic,
        RDKafkaErrorCode::UnknownPartition => ErrorKind::NoPartition,
        RDKafkaErrorCode::TopicAlreadyExists => ErrorKind::TopicExists,
        RDKafkaErrorCode::IllegalGeneration
        | RDKafkaErrorCode::UnknownMemberId
        | RDKafkaErrorCode::RebalanceInProgress
        | RDKafkaErrorCode::FencedInstanceId
        | RDKafkaErrorCode::AssignmentLost => ErrorKind::NotOwner,
        RDKafkaErrorCode::MessageSizeTooLarge | RDKafkaErrorCode::OffsetMetadataTooLarge => {
            ErrorKind::TooLarge
        }
        RDKafkaErrorCode::QueueFull => ErrorKind::Full,
        RDKafkaErrorCode::InvalidTopic
        | RDKafkaErrorCode::InvalidPartitions
        | RDKafkaErrorCode::InvalidArgument => ErrorKind::Invalid,
        RDKafkaErrorCode::NonEmptyGroup => ErrorKind::GroupActive,
        RDKafkaErrorCode::Fatal => ErrorKind::Fatal,
        // What a broker says while it restarts, fails over or is short of replicas: all of it passes.
        _ => ErrorKind::Unavailable,
    }
}
