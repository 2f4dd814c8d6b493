//! The traits of generated types, checked at compile time.

use std::fmt::{Debug, Display};
use std::hash::Hash;

use genesys_cloud::OpenEnum;
use genesys_cloud::endpoint::{Decode, Param, Record, Wire};
use genesys_cloud::types::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

trait Value:
    Debug + Clone + PartialEq + Serialize + DeserializeOwned + Wire + Decode + Send + Sync + 'static
{
}

impl<T> Value for T where
    T: Debug
        + Clone
        + PartialEq
        + Serialize
        + DeserializeOwned
        + Wire
        + Decode
        + Send
        + Sync
        + 'static
{
}

const fn record<T: Value + Record + Default>() {}

const fn open_enum<T: Value + OpenEnum + Param + Display + Eq + Hash + From<&'static str>>() {}

const fn other<T: Value>() {}

const _: () = {
    record::<AnalyticsConversation>();
    record::<CreateCoachingAppointmentRequest>();
    record::<CsvUploadPreviewResponse>();
    record::<Group>();
    record::<Queue>();
    record::<QueueEntityListing>();
    record::<ScimV2User>();
    record::<UpdateUser>();
    record::<User>();

    open_enum::<GetRoutingQueueMediatypeEstimatedwaittimeMediaType>();
    open_enum::<GroupState>();
    open_enum::<RoutingStatusStatus>();

    // Responses without a named type.
    other::<Vec<Queue>>();
    other::<Option<User>>();
    other::<String>();
};
