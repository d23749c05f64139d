//! The services there are, where they listen, and what tells the tests.

use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use clap::ValueEnum;

use super::{cassandra, dogma, kafka, redis};
use crate::surroundings;

/// How long a connection on this machine may take.
const CONNECT: Duration = Duration::from_secs(1);

/// A service that tests talk to. Its ports are unusual, so that nothing of the user's is disturbed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Service {
    /// Apache Kafka, one broker
    Kafka,
    /// A second one, which tests stop, kill and start again
    SpareKafka,
    /// Apache Cassandra, one node; speaks CQL as ScyllaDB does
    Cassandra,
    /// Redis
    Redis,
    /// Central Dogma, for dynamic settings
    Dogma,
}

impl Service {
    /// All of them.
    pub(crate) const ALL: [Self; 5] =
        [Self::Kafka, Self::SpareKafka, Self::Cassandra, Self::Redis, Self::Dogma];

    /// Its name, as a person types it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Kafka => "kafka",
            Self::SpareKafka => "spare-kafka",
            Self::Cassandra => "cassandra",
            Self::Redis => "redis",
            Self::Dogma => "dogma",
        }
    }

    /// The variable that tells the tests where it is.
    pub(crate) const fn variable(self) -> &'static str {
        match self {
            Self::Kafka => "DENREI_KAFKA",
            Self::SpareKafka => "DENREI_SPARE_KAFKA",
            Self::Cassandra => "DENREI_CQL",
            Self::Redis => "DENREI_REDIS",
            Self::Dogma => "DENREI_DOGMA",
        }
    }

    /// The variable that tells the tests its folder, if it was started from here and is theirs to kill: its id is in the file
    /// `pid`, and it is started again there by the command that it runs by.
    pub(crate) const fn folder_variable(self) -> Option<&'static str> {
        match self {
            Self::SpareKafka => Some("DENREI_SPARE_KAFKA_FOLDER"),
            Self::Kafka | Self::Cassandra | Self::Redis | Self::Dogma => None,
        }
    }

    /// Where one that is started here listens.
    pub(crate) const fn own_address(self) -> &'static str {
        match self {
            Self::Kafka => "127.0.0.1:29092",
            Self::SpareKafka => "127.0.0.1:29192",
            Self::Cassandra => "127.0.0.1:29042",
            Self::Redis => "127.0.0.1:26399",
            Self::Dogma => "127.0.0.1:36462",
        }
    }

    /// The address that the environment gives.
    pub(crate) fn given(self) -> Option<String> {
        surroundings::text(self.variable())
    }

    /// Where it is: as given, else where one of our own would be.
    pub(crate) fn address(self) -> String {
        self.given().unwrap_or_else(|| self.own_address().to_owned())
    }

    /// Makes everything ready below `folder`, and gives the command that starts it there.
    pub(crate) fn prepare(self, folder: &Path) -> Result<Command> {
        match self {
            Self::Kafka => kafka::prepare(folder, 29_092),
            Self::SpareKafka => kafka::prepare(folder, 29_192),
            Self::Cassandra => cassandra::prepare(folder),
            Self::Redis => redis::prepare(folder),
            Self::Dogma => dogma::prepare(folder),
        }
    }

    /// Whether something takes connections at this address (the first, of a list).
    pub(crate) fn answers(address: &str) -> bool {
        let first = address.split(',').next().unwrap_or_default();
        let bare = first.rsplit("://").next().unwrap_or_default().trim_end_matches('/');
        let mut places = bare.to_socket_addrs().into_iter().flatten();
        places.any(|place: SocketAddr| TcpStream::connect_timeout(&place, CONNECT).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_answers_where_someone_listens() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        assert!(Service::answers(&address));
        assert!(Service::answers(&format!("redis://{address}/")));
        // A connection holds its own port, and nobody listens there. The listener's port after its end proves nothing: it may be
        // given to somebody else, and a child that was just forked still listens there.
        let connection = TcpStream::connect(&address).unwrap();
        assert!(!Service::answers(&connection.local_addr().unwrap().to_string()));
    }

    #[test]
    fn each_service_has_a_port_and_a_variable_of_its_own() {
        let mut seen: Vec<&str> =
            Service::ALL.iter().flat_map(|one| [one.own_address(), one.variable()]).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 2 * Service::ALL.len());
    }
}
