use crate::connection::ConnectionFault;

macro_rules! kinds {
    ($($(#[$meta:meta])* $kind:ident,)*) => {
        /// A fault of a request, for a [`FaultPlan`](crate::FaultPlan).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum FaultKind {
            $($(#[$meta])* $kind,)*
        }

        impl FaultKind {
            /// All kinds.
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            /// Returns the name of the variant.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => stringify!($kind),)*
                }
            }
        }
    };
}

kinds! {
    /// 429 with a `Retry-After` of one second. At login: the 400 for too many logins.
    RateLimited,
    /// 429 without `Retry-After`.
    RateLimitedWithoutDelay,
    /// 429 with a date in `Retry-After`, two seconds from now.
    RateLimitedUntil,
    /// The connection is reset without a response.
    ResetBeforeResponse,
    /// The connection closes in the middle of the body.
    CutInBody,
    /// The connection is reset in the middle of the body.
    ResetInBody,
    /// The body arrives in four chunks, one second apart.
    SlowBody,
    /// Half of the body arrives, and then nothing more.
    StalledBody,
    /// 500 without a known cause.
    InternalError,
    /// The 500 "database too busy".
    DatabaseBusy,
    /// 502 of a gateway, with an HTML page.
    BadGateway,
    /// 503.
    ServiceUnavailable,
    /// 504.
    GatewayTimeout,
    /// The JSON ends in the middle.
    MalformedJson,
    /// The correct response with the content type `text/html`.
    WrongContentType,
    /// An HTML page with status 200, as a proxy may return.
    HtmlPage,
    /// The body is gzip that ends in the middle.
    TruncatedGzip,
    /// 401, as if the access token were no longer valid.
    Unauthorized,
    /// The page token is refused once, with a 400.
    PageTokenRefused,
    /// All page tokens expire. This request is refused with a 400 as well.
    PageTokensExpired,
    /// The response has more than a megabyte of headers.
    HugeHeaders,
    /// The body is a gigabyte of JSON.
    HugeBody,
    /// The body expands from one megabyte to one gigabyte, and is truncated.
    GzipBomb,
    /// The list has lists nested 100,000 deep.
    DeepNesting,
    /// A record is inserted at the start of the list.
    RecordInserted,
    /// The first record is deleted.
    RecordDeleted,
}

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestKind {
    Operation,
    Login,
    /// A file behind a presigned URL.
    File,
}

/// The properties of a request that decide which faults apply to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RequestTraits {
    pub(crate) kind: RequestKind,
    /// It requests a page by token.
    pub(crate) has_page_token: bool,
    /// It is for a list that is paged by number or index.
    pub(crate) is_counted: bool,
}

impl FaultKind {
    /// Returns whether the client has to repeat the request to get the requested data. After the other faults,
    /// the response is usable, or no retry helps.
    pub const fn requires_retry(self) -> bool {
        !matches!(
            self,
            Self::SlowBody
                | Self::WrongContentType
                | Self::PageTokensExpired
                | Self::RecordInserted
                | Self::RecordDeleted
        )
    }

    /// Whether the response is usable despite the fault.
    pub(crate) fn is_readable(self) -> bool {
        matches!(
            self,
            Self::SlowBody | Self::WrongContentType | Self::RecordInserted | Self::RecordDeleted
        )
    }

    /// Whether the fault applies to such a request.
    pub(crate) fn applies_to(self, request: RequestTraits) -> bool {
        match self {
            Self::ResetBeforeResponse
            | Self::CutInBody
            | Self::ResetInBody
            | Self::SlowBody
            | Self::StalledBody
            | Self::BadGateway
            | Self::ServiceUnavailable
            | Self::GatewayTimeout => true,
            Self::RateLimited => request.kind != RequestKind::File,
            Self::InternalError => request.kind != RequestKind::Login,
            _ if request.kind != RequestKind::Operation => false,
            Self::PageTokenRefused | Self::PageTokensExpired => request.has_page_token,
            Self::RecordInserted | Self::RecordDeleted => request.is_counted,
            _ => true,
        }
    }

    /// The effect on the connection, if any.
    pub(crate) fn connection(self) -> Option<ConnectionFault> {
        match self {
            Self::ResetBeforeResponse => Some(ConnectionFault::CutBeforeResponse),
            Self::CutInBody => Some(ConnectionFault::CutInBody),
            Self::ResetInBody => Some(ConnectionFault::ResetInBody),
            Self::SlowBody => Some(ConnectionFault::SlowBody),
            Self::StalledBody => Some(ConnectionFault::StalledBody),
            _ => None,
        }
    }
}
