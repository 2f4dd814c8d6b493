//! The layers: which modules and crates may import which.

/// The layers of the core, lowest first. A module may import modules of the same layer and of those above it in
/// this list.
pub const CORE: &[(&str, &[&str])] = &[
    (
        "text and values",
        &[
            "bad_value",
            "base_url",
            "digest",
            "display",
            "operation",
            "private_file",
            "redact",
            "tls",
        ],
    ),
    (
        "requests, responses and errors",
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
        "building blocks of lists",
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
    ("paged lists", &["paging"]),
    ("jobs", &["jobs"]),
    ("time ranges", &["windows"]),
    ("lists of lists", &["list", "nested"]),
    ("checkpoints", &["checkpoint"]),
    ("support of generated code", &["fuzzing", "generated", "macros"]),
    ("used by programs", &["blocking", "specs", "test_util"]),
];

/// The crates, lowest first. A crate may depend on those above it in this list.
pub const CRATES: &[&str] = &[
    "genesys-cloud-catalogue",
    "genesys-cloud-mock",
    "genesys-cloud-core",
    "genesys-cloud-api",
    "genesys-cloud",
    "genesys-cloud-arrow",
    "genesys-cloud-sinks",
    "genesys-cloud-sync",
    "genesys-cloud-cli",
];

/// The fake org knows the API independently of the client, which not even its tests use.
pub const INDEPENDENT: (&str, &[&str]) = ("genesys-cloud-mock", &["genesys-cloud-catalogue"]);

/// Accepted cycles of modules, by crate. The test fails for an unlisted cycle, and for a listed one that no
/// longer exists. Do not add any.
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
                "availability",
                "error",
                "faults",
                "history",
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
    ("genesys-cloud-sinks", &[&["body", "format", "parquet"], &["error", "reject"]]),
];
