use crate::connection::ConnectionFault;

macro_rules! kinds {
    ($($(#[$meta:meta])* $kind:ident,)*) => {
        /// What can go wrong with a request, for a [`FaultPlan`](crate::FaultPlan).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum FaultKind {
            $($(#[$meta])* $kind,)*
        }

        impl FaultKind {
            /// Every kind there is.
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            /// Its name, as in the code.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => stringify!($kind),)*
                }
            }
        }
    };
}

kinds! {
    /// 429, which asks for a pause of one second. At the login: its 400 that says so.
    RateLimited,
    /// 429 without `Retry-After`.
    RateLimitedWithoutDelay,
    /// 429, where `Retry-After` is a date: that of two seconds later.
    RateLimitedUntil,
    /// The connection is reset without a reply.
    ResetBeforeReply,
    /// The connection ends in the middle of the body.
    CutInBody,
    /// The connection is reset in the middle of the body.
    ResetInBody,
    /// The body comes in four pieces, with a second between them.
    SlowBody,
    /// Half of the body comes, and then nothing.
    StalledBody,
    /// 500, of which nothing is known.
    InternalError,
    /// The 500 that says that the database is too busy.
    DatabaseBusy,
    /// 502 of a gateway, with a page of HTML.
    BadGateway,
    /// 503.
    ServiceUnavailable,
    /// 504.
    GatewayTimeout,
    /// The JSON ends in the middle.
    MalformedJson,
    /// The right reply, called `text/html`.
    WrongContentType,
    /// A page of HTML with status 200, as a proxy in between may answer.
    HtmlPage,
    /// The body is compressed, and the compressed body ends in the middle.
    TruncatedGzip,
    /// 401, as if the token were no longer good.
    Unauthorized,
    /// The token of the page is refused this once, with a 400.
    PageTokenRefused,
    /// All tokens of pages end, that of this request too: it is refused with a 400.
    PageTokensExpired,
    /// The reply has more than a megabyte of headers.
    HugeHeaders,
    /// The body is a gigabyte of JSON.
    HugeBody,
    /// The body is a gigabyte once it is decompressed, and a megabyte before. It has no end.
    GzipBomb,
    /// The list holds lists in lists, 100,000 deep.
    DeepNesting,
    /// A record appears before all others, now.
    RecordInserted,
    /// The first record goes away, now.
    RecordDeleted,
}

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    Operation,
    Login,
    /// A file behind a presigned URL.
    File,
}

/// What a fault is about, as far as it decides to which requests it can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reach {
    pub(crate) door: Door,
    /// It asks for a page by its token.
    pub(crate) has_page_token: bool,
    /// It is for a list whose pages are counted.
    pub(crate) is_counted: bool,
}

impl FaultKind {
    /// Whether a client that wants what it asked for has to ask again. After the others there is
    /// nothing to repeat: the reply is good, or no repetition helps.
    pub const fn calls_for_repetition(self) -> bool {
        !matches!(
            self,
            Self::SlowBody
                | Self::WrongContentType
                | Self::PageTokensExpired
                | Self::RecordInserted
                | Self::RecordDeleted
        )
    }

    /// Whether what the reply has can be read nevertheless.
    pub(crate) fn is_readable(self) -> bool {
        matches!(
            self,
            Self::SlowBody | Self::WrongContentType | Self::RecordInserted | Self::RecordDeleted
        )
    }

    /// Whether it can happen to such a request.
    pub(crate) fn reaches(self, request: Reach) -> bool {
        match self {
            Self::ResetBeforeReply
            | Self::CutInBody
            | Self::ResetInBody
            | Self::SlowBody
            | Self::StalledBody
            | Self::BadGateway
            | Self::ServiceUnavailable
            | Self::GatewayTimeout => true,
            Self::RateLimited => request.door != Door::File,
            Self::InternalError => request.door != Door::Login,
            _ if request.door != Door::Operation => false,
            Self::PageTokenRefused | Self::PageTokensExpired => request.has_page_token,
            Self::RecordInserted | Self::RecordDeleted => request.is_counted,
            _ => true,
        }
    }

    /// What it does to the connection, if that is what it is about.
    pub(crate) fn connection(self) -> Option<ConnectionFault> {
        match self {
            Self::ResetBeforeReply => Some(ConnectionFault::CutBeforeReply),
            Self::CutInBody => Some(ConnectionFault::CutInBody),
            Self::ResetInBody => Some(ConnectionFault::ResetInBody),
            Self::SlowBody => Some(ConnectionFault::SlowBody),
            Self::StalledBody => Some(ConnectionFault::StalledBody),
            _ => None,
        }
    }
}
