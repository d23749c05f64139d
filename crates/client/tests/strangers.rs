//! A load against an address at which there is no node: somebody who speaks something else, or nobody who answers.

#![expect(clippy::unwrap_used, reason = "a test that panics says what is wrong")]

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use denrei_client::load::{Extent, LoadOptions, Pattern, RunError, run};
use denrei_model::clock::{Clock as _, SystemClock};

/// What rustls says to somebody who speaks HTTP/2 to it: an alert of an inappropriate message.
const TLS_ALERT: &[u8] = b"\x15\x03\x03\x00\x02\x02\x46";
const HTTP1_REFUSAL: &[u8] = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// Greets whoever connects with this and hangs up, for as long as the test goes on; says where, and counts them.
fn stranger(greeting: &'static [u8]) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, count) = (listener.local_addr().unwrap().to_string(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&count);
    thread::spawn(move || {
        for socket in listener.incoming() {
            counted.fetch_add(1, Ordering::Relaxed);
            // Whoever has gone by now hears no greeting.
            let _ = greet(socket.unwrap(), greeting);
        }
    });
    (address, count)
}

fn greet(mut socket: TcpStream, greeting: &[u8]) -> std::io::Result<()> {
    let mut heard = [0; 4096];
    let _ = socket.read(&mut heard)?;
    socket.write_all(greeting)?;
    // To close before all has been read would be a reset, which takes the greeting away from whoever has not read it yet.
    socket.shutdown(Shutdown::Write)?;
    while socket.read(&mut heard)? > 0 {}
    Ok(())
}

/// Why a load of four people had no report.
fn load(node: &str, extent: Extent) -> RunError {
    let options = LoadOptions {
        pattern: Pattern::Direct,
        node: node.to_owned(),
        certificates: None,
        people: NonZeroUsize::new(4).unwrap(),
        extent,
        rate: None,
        seed: 1,
        in_flight: 16,
        record: None,
        progress: false,
    };
    run(&options).unwrap_err()
}

/// What is said of an error, with its causes.
fn said(error: &RunError) -> String {
    let mut said = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        said = format!("{said}: {next}");
        cause = next.source();
    }
    said
}

/// A load against this greeting ends at once, although it is to send messages for as long as that takes.
fn check_ends(scheme: &str, greeting: &'static [u8], why: &str) {
    let (address, count) = stranger(greeting);
    let node = format!("{scheme}://{address}");
    let said = said(&load(&node, Extent::Messages(10)));
    assert_eq!(said, format!("no node that can be used at {node}: {why}"));
    let attempts = count.load(Ordering::Relaxed);
    assert!(attempts <= 8, "{attempts} attempts");
}

#[test]
fn a_port_that_speaks_tls_ends_a_load_in_the_clear() {
    check_ends("http", TLS_ALERT, "the peer does not speak HTTP/2: it speaks TLS, as at https://");
}

#[test]
fn a_server_of_http_1_ends_a_load() {
    check_ends("http", HTTP1_REFUSAL, "the peer does not speak HTTP/2: it speaks HTTP/1");
}

#[test]
fn a_port_that_speaks_in_the_clear_ends_a_load_over_tls() {
    let why = "the peer does not speak TLS, as https:// says it does: received corrupt message of type InvalidContentType";
    check_ends("https", HTTP1_REFUSAL, why);
}

#[test]
fn a_host_that_nobody_knows_ends_a_load() {
    // No server of names is asked for such a one.
    let node = "http://no..host:8080";
    let clock = SystemClock::new();
    let said = said(&load(node, Extent::Messages(10)));
    let expected = format!("no node that can be used at {node}: the host of no..host:8080 is not known: ");
    assert!(said.starts_with(&expected), "{said}");
    assert!(clock.monotonic() > Duration::from_secs(1), "the system may know it a moment later");
}

#[test]
fn a_port_that_hangs_up_is_tried_ever_more_seldom_and_no_longer_than_the_load_was_to_take() {
    let (address, count) = stranger(b"");
    let node = format!("http://{address}");
    let within = Duration::from_secs(3);
    let unmet = load(&node, Extent::Time(within));
    assert!(matches!(&unmet, RunError::Unmet { within: waited, .. } if *waited == within), "{unmet}");
    assert!(unmet.to_string().starts_with(&format!("no node answered at {node} within 3 s: ")), "{unmet}");
    // Four people, whose pauses grow to two seconds; without that they would be some 300.
    let attempts = count.load(Ordering::Relaxed);
    assert!((8..=60).contains(&attempts), "{attempts} attempts");
}

#[test]
fn a_port_that_nobody_listens_at_is_waited_for_as_long_as_the_load_was_to_take() {
    // Held by a connection, so that it is given to nobody else.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let held = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let node = format!("http://{}", held.local_addr().unwrap());
    let unmet = said(&load(&node, Extent::Time(Duration::from_millis(700))));
    assert!(unmet.starts_with(&format!("no node answered at {node} within 0.7 s: ")), "{unmet}");
    assert!(unmet.contains("refused"), "{unmet}");
}
