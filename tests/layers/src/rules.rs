//! Which modules and crates may import which: the one list of the layers.

/// The layers of the core, from the ground up. A module imports modules of its own layer and of those above it in
/// this list.
pub const CORE: &[(&str, &[&str])] = &[
    (
        "text and values",
        &["base_url", "digest", "display", "operation", "private_file", "redact", "tls"],
    ),
    (
        "requests, replies and errors",
        &[
            "error",
            "http_client",
            "json",
            "lenient",
            "param",
            "region",
            "response",
            "request",
            "retry",
            "runtime",
            "spans",
            "wait",
            "wire",
        ],
    ),
    ("HTTP client", &["auth", "call", "client", "download", "pipeline", "rate_limit"]),
    (
        "what lists are made of",
        &[
            "call_counter",
            "dedupe",
            "interval",
            "json_path",
            "options",
            "page_identity",
            "saved_job",
            "schedule",
            "split_errors",
        ],
    ),
    ("lists that come in pages", &["paging"]),
    ("jobs", &["jobs"]),
    ("ranges of time", &["windows"]),
    ("lists of lists", &["list", "nested"]),
    ("checkpoints", &["checkpoint"]),
    ("what generated code uses", &["fuzzing", "generated", "macros"]),
    ("what programs use", &["blocking", "specs", "test_util"]),
];

/// The crates, from the ground up. A crate depends on those above it in this list.
pub const CRATES: &[&str] = &[
    "genesys-cloud-catalogue",
    "genesys-cloud-mock",
    "genesys-cloud-core",
    "genesys-cloud-api",
    "genesys-cloud",
    "genesys-cloud-sinks",
    "genesys-cloud-cli",
];

/// The fake org knows the API independently of the client: not even its tests use the client.
pub const INDEPENDENT: (&str, &[&str]) = ("genesys-cloud-mock", &["genesys-cloud-catalogue"]);

/// Modules that import each other, by crate. A cycle that is not listed fails the test, and so does one that is listed
/// and no longer there. Add none.
pub const CYCLES: &[(&str, &[&[&str]])] = &[
    (
        "genesys-cloud-core",
        &[
            &["call", "client", "pipeline"],
            &["error", "http_client", "param", "response", "retry", "wire"],
        ],
    ),
    (
        "genesys-cloud-mock",
        &[
            &[
                "api",
                "available",
                "error",
                "faults",
                "jobs",
                "lies",
                "lists",
                "org",
                "server",
                "service",
            ],
            &["classify", "scheme"],
            &["expected", "listing", "paging", "scenario"],
        ],
    ),
    ("genesys-cloud-sinks", &[&["body", "format", "parquet"], &["encode", "error", "reject"]]),
];
