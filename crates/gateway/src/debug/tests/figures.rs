//! The page of figures, and the page that says what they mean.

use std::collections::{BTreeMap, BTreeSet};
use std::future::ready;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actix_web::App;
use actix_web::middleware::from_fn;
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::web::Data;
use metrics_exporter_prometheus::PrometheusRecorder;

use super::stage::Stage;
use crate::debug::metrics::recorder;
use crate::debug::{Durations, EngineFigures, Recorded, StoreFigures};
use crate::request::route::resource;
use crate::traffic;

const PAGE: &str = include_str!("../../../../../docs/metrics.md");

/// Kind and meaning by name.
type Listed = BTreeMap<String, (String, String)>;

fn store() -> StoreFigures {
    let commits = Durations { bounds_micros: vec![1_000], counts: vec![7, 1], sum_micros: 12_000 };
    let engine = Some(EngineFigures { journals: 2, memtable_bytes: 4_096 });
    StoreFigures { groups: 8, batches: 21, commits, engine, ..StoreFigures::default() }
}

async fn text(stage: &Stage) -> String {
    stage.send(TestRequest::get().uri("/metrics")).await.body
}

/// A recorder that this thread alone records to, from now on and for the rest of the process.
fn recording() -> Recorded {
    let recorder: &'static PrometheusRecorder = Box::leak(Box::new(recorder().unwrap()));
    std::mem::forget(metrics::set_default_local_recorder(recorder));
    traffic::describe();
    Recorded::of(recorder)
}

/// What devices ask: twice for a thing, which takes a while, once for nothing that there is.
async fn ask_for_things(stage: &Stage) {
    let clock = Arc::clone(&stage.clock);
    let slow = move || {
        clock.advance(Duration::from_millis(7));
        ready("a thing")
    };
    let app = App::new()
        .wrap(from_fn(traffic::count))
        .app_data(Data::new(stage.debug.gateway.clone()))
        .service(resource("/things/{thing}").get(slow));
    let app = init_service(app).await;
    for (method, path) in [("GET", "/things/1"), ("GET", "/things/2"), ("BREW", "/things/1"), ("GET", "/no")]
    {
        let request = TestRequest::with_uri(path).method(method.parse().unwrap());
        call_service(&app, request.to_request()).await;
    }
}

/// Everything with a line of help and a line of type.
fn described(text: &str) -> Listed {
    let mut listed = Listed::new();
    for line in text.lines() {
        if let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')) {
            let before = listed.insert(name.to_owned(), (String::new(), help.to_owned()));
            assert!(before.is_none(), "{name} is described twice");
        }
        if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            listed.get_mut(name).expect("help comes before type").0 = kind.to_owned();
        }
    }
    listed
}

/// The rows of the page's tables: name, kind, meaning.
fn documented() -> Listed {
    let rows = PAGE.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_end_matches(" |").split(" | ").collect();
        let [name, kind, meaning] = cells[..] else { panic!("three cells are expected: {row}") };
        (name.trim_end_matches('`').to_owned(), (kind.to_owned(), meaning.to_owned()))
    })
    .collect()
}

#[actix_web::test]
async fn the_page_says_of_every_figure_what_its_help_says_and_names_no_other() {
    let mut stage = Stage::new(0).await;
    stage.debug = stage.debug.clone().with_store(store).with_recorded(recording());
    ask_for_things(&stage).await;
    let mut page = documented();
    page.retain(|name, _| !name.starts_with("denrei_queue_"));
    assert_eq!(described(&text(&stage).await), page);
}

/// The gateway does not know the queue, whose figures come through the recorder; so they are looked for in its source.
#[test]
fn the_page_lists_what_the_queue_counts_and_nothing_else_of_it() {
    let mut counted = BTreeSet::new();
    names_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../queue/src"), &mut counted);
    let page: BTreeSet<String> =
        documented().into_keys().filter(|name| name.starts_with("denrei_queue_")).collect();
    assert_eq!(page, counted);
}

fn names_below(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            names_below(&path, names);
        } else {
            let source = std::fs::read_to_string(&path).unwrap();
            names.extend(source.split('"').filter(|text| is_name(text)).map(str::to_owned));
        }
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with("denrei_queue_") && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

#[actix_web::test]
async fn every_line_is_a_comment_or_a_sample_of_what_was_described() {
    let mut stage = Stage::new(3).await;
    stage.debug = stage.debug.clone().with_store(store).with_recorded(recording());
    ask_for_things(&stage).await;
    let text = text(&stage).await;
    let described = described(&text);
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        let name = name.split('{').next().unwrap();
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
        let family = family.filter(|family| described.contains_key(*family)).unwrap_or(name);
        assert!(described.contains_key(family), "{line}");
        assert!(value.parse::<f64>().unwrap() >= 0.0, "{line}");
        assert!(!line.contains("U0"), "no account is named: {line}");
    }
}

#[actix_web::test]
async fn figures_are_those_of_the_node_its_shards_and_its_store() {
    let mut stage = Stage::new(3).await;
    stage.debug = stage.debug.clone().with_store(store);
    let text = text(&stage).await;
    for sample in [
        "denrei_build_info{version=\"1.2.3\"} 1",
        "denrei_ready 1",
        "denrei_http_open_connections 0",
        "denrei_shard_running_shards 4",
        "denrei_shard_active_entities 3",
        "denrei_shard_turns_total 3",
        "denrei_store_commits_total 8",
        "denrei_store_commit_duration_seconds_bucket{le=\"0.001\"} 7",
        "denrei_store_commit_duration_seconds_count 8",
    ] {
        assert!(text.lines().any(|line| line == sample), "{sample} is not in\n{text}");
    }
}

#[actix_web::test]
async fn requests_are_counted_by_route_method_and_class_of_status() {
    let mut stage = Stage::new(0).await;
    stage.debug = stage.debug.clone().with_recorded(recording());
    ask_for_things(&stage).await;
    let text = text(&stage).await;
    for sample in [
        "requests_total{route=\"/things/{thing}\",method=\"GET\",status=\"2xx\"} 2",
        "requests_total{route=\"/things/{thing}\",method=\"other\",status=\"4xx\"} 1",
        "requests_total{route=\"none\",method=\"GET\",status=\"4xx\"} 1",
        "request_duration_seconds_bucket{route=\"/things/{thing}\",method=\"GET\",status=\"2xx\",le=\"0.005\"} 0",
        "request_duration_seconds_bucket{route=\"/things/{thing}\",method=\"GET\",status=\"2xx\",le=\"0.01\"} 2",
        "request_duration_seconds_sum{route=\"/things/{thing}\",method=\"GET\",status=\"2xx\"} 0.014",
    ] {
        let sample = format!("denrei_http_{sample}");
        assert!(text.lines().any(|line| line == sample), "{sample} is not in\n{text}");
    }
}

#[actix_web::test]
async fn what_was_counted_stays_counted_when_shards_stop_to_answer() {
    let mut stage = Stage::new(3).await;
    assert!(text(&stage).await.contains("denrei_shard_turns_total 3\n"));
    stage.stop_shards();
    let text = text(&stage).await;
    assert!(text.contains("denrei_shard_stopped_shards 4\n"), "{text}");
    assert!(text.contains("denrei_shard_active_entities 0\n"), "{text}");
    assert!(text.contains("denrei_shard_turns_total 3\n"), "{text}");
}
