//! What the chain of groups shows, on an engine whose rows are written by hand.

use fjall::{Database, PersistMode};

use super::*;

const MIB: u64 = 1024 * 1024;

struct Engine {
    dir: tempfile::TempDir,
    db: Database,
    spaces: Spaces,
}

impl Engine {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let db = Database::builder(dir.path()).open().unwrap();
        let spaces = Spaces::open(&db, MIB).unwrap();
        Self { dir, db, spaces }
    }

    fn write(&self, link: Link, to: impl IntoIterator<Item = Space>) {
        let mut batch = self.db.batch().durability(Some(PersistMode::Buffer));
        for space in to {
            batch.insert(self.spaces.get(space), Link::key(link.number), link.value());
        }
        batch.commit().unwrap();
    }

    fn verify(&self, seen: Option<Seen>) -> Result<Vec<Link>, String> {
        let links = verify(&self.db.snapshot(), &self.spaces, self.dir.path(), seen);
        links.map_err(|error| error.to_string())
    }

    /// A chain of this many groups, whole.
    fn chain(&self, groups: u64) -> Vec<Link> {
        let mut chain = Chain::root(b"root", 64 * MIB);
        let links: Vec<Link> = (0..groups).map(|group| chain.extend(u128::from(group), 100)).collect();
        for link in &links {
            self.write(*link, Space::ALL);
        }
        links
    }
}

fn seen(link: Link) -> Option<Seen> {
    Some(Seen { number: link.number, hash: link.hash })
}

#[test]
fn a_whole_chain_that_reaches_the_witness_goes_on_where_it_ended() {
    let engine = Engine::new();
    let links = engine.chain(5);
    assert_eq!(engine.verify(seen(links[4])).unwrap(), links);
    assert_eq!(engine.verify(seen(links[3])).unwrap(), links, "a witness may lag");
    let resumed = Chain::root(b"root", 64 * MIB).resume(&links);
    assert_eq!(resumed.last(), links[4]);
}

#[test]
fn a_keyspace_that_lost_its_last_groups_is_named() {
    let engine = Engine::new();
    let links = engine.chain(5);
    let mut batch = engine.db.batch();
    batch.remove(engine.spaces.get(Space::Ops), Link::key(5));
    batch.commit().unwrap();
    let refused = engine.verify(seen(links[3])).unwrap_err();
    assert!(refused.contains("Ops"), "{refused}");
}

#[test]
fn a_keyspace_with_a_hole_is_named() {
    let engine = Engine::new();
    let links = engine.chain(5);
    let mut batch = engine.db.batch();
    batch.remove(engine.spaces.get(Space::Inbox), Link::key(3));
    batch.commit().unwrap();
    let refused = engine.verify(seen(links[4])).unwrap_err();
    assert!(refused.contains("Inbox"), "{refused}");
}

#[test]
fn a_chain_that_ends_before_the_witness_is_refused() {
    let engine = Engine::new();
    let links = engine.chain(5);
    let ahead = Seen { number: 7, hash: links[4].hash };
    let refused = engine.verify(Some(ahead)).unwrap_err();
    assert!(refused.contains("2 groups are lost"), "{refused}");
}

#[test]
fn another_history_of_the_same_length_is_refused() {
    let engine = Engine::new();
    let links = engine.chain(5);
    let other = Seen { number: 5, hash: links[4].hash ^ 1 };
    assert!(engine.verify(Some(other)).is_err());
}

#[test]
fn links_go_when_no_journal_can_hold_the_rows_beside_them() {
    let mut chain = Chain::root(b"root", 64 * MIB);
    let window = 2 * 64 + 128_u64; // MiB, of groups of 1 MiB
    let mut expired = 0;
    for group in 1..=2 * window {
        chain.extend(0, MIB);
        expired += chain.expire().count() as u64;
        assert_eq!(expired, group.saturating_sub(window + 1), "after group {group}");
    }
}

#[test]
fn there_are_never_more_than_so_many_links() {
    let mut chain = Chain::root(b"root", 64 * MIB);
    for _ in 0..MOST_LINKS + 100 {
        chain.extend(0, 1);
        assert!(chain.expire().count() <= 1);
    }
    assert_eq!(chain.kept.len(), MOST_LINKS);
}
