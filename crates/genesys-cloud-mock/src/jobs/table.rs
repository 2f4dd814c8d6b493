//! Jobs whose details the document doesn't state, according to the service's documentation and clients.

use super::family::IdPlace;

/// An exception to the rules.
pub(crate) struct Row {
    /// Methods and paths.
    pub(crate) submits: &'static [&'static str],
    pub(crate) status: Asked,
    pub(crate) id: Option<IdPlace>,
    pub(crate) told: Word,
    /// The field with the result, where the rule finds none or the wrong one.
    pub(crate) result: Named,
    /// States of another phase of the job.
    pub(crate) without: &'static [&'static str],
}

/// The path of the status.
pub(crate) enum Asked {
    /// By rule: below the path of the submit.
    Below,
    /// At this path.
    At(&'static str),
    /// At the path of the submit.
    Same,
    /// Nowhere.
    Nowhere,
}

/// How the status shows completion.
#[derive(Clone, Copy)]
pub(crate) enum Word {
    /// By rule: by its state.
    State,
    Field(&'static str),
    Since(&'static str),
    InList,
    Accepted,
    /// By one of these states, whatever the document says.
    States(&'static [&'static str]),
}

#[derive(Clone, Copy)]
pub(crate) enum Named {
    ByRule,
    None,
    At(&'static str),
    /// This field, and no URL.
    Only(&'static str),
    /// The URL of a file.
    Link(&'static str),
}

const RULE: Row = Row {
    submits: &[],
    status: Asked::Below,
    id: None,
    told: Word::State,
    result: Named::ByRule,
    without: &[],
};

/// The states of the second phase of a document import.
const IMPORT_PHASE: &[&str] = &[
    "ReadyToImport",
    "ImportInProgress",
    "ImportCompleted",
    "ImportPartialCompleted",
    "ImportFailed",
];
const PARSE_PHASE: &[&str] = &["ReadyToParse", "ParseInProgress", "ParseCompleted"];

pub(crate) const TABLE: &[Row] = &[
    Row {
        submits: &[
            "POST /api/v2/workforcemanagement/managementunits/{managementUnitId}/historicaladherencequery",
            "POST /api/v2/workforcemanagement/teams/{teamId}/adherence/historical",
        ],
        status: Asked::At("/api/v2/workforcemanagement/adherence/historical/jobs/{jobId}"),
        ..RULE
    },
    Row {
        submits: &["POST /api/v2/workforcemanagement/adherence/historical/bulk"],
        status: Asked::At("/api/v2/workforcemanagement/adherence/historical/bulk/jobs/{jobId}"),
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/workforcemanagement/managementunits/{managementUnitId}/shrinkage/jobs",
            "POST /api/v2/workforcemanagement/teams/{teamId}/shrinkage/jobs",
        ],
        status: Asked::At("/api/v2/workforcemanagement/shrinkage/jobs/{jobId}"),
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/workforcemanagement/managementunits/{managementUnitId}/users/{userId}/timeoffbalance/jobs",
            "POST /api/v2/workforcemanagement/managementunits/{managementUnitId}/users/{userId}/timeoffrequests/{timeOffRequestId}/timeoffbalance/jobs",
        ],
        status: Asked::At("/api/v2/workforcemanagement/timeoffbalance/jobs/{jobId}"),
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/workforcemanagement/adherence/explanations",
            "POST /api/v2/workforcemanagement/agents/{agentId}/adherence/explanations",
            "PATCH /api/v2/workforcemanagement/agents/{agentId}/adherence/explanations/{explanationId}",
        ],
        status: Asked::At("/api/v2/workforcemanagement/adherence/explanations/jobs/{jobId}"),
        result: Named::Only("adherenceExplanation"),
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/workforcemanagement/adherence/explanations/query",
            "POST /api/v2/workforcemanagement/agents/{agentId}/adherence/explanations/query",
            "POST /api/v2/workforcemanagement/businessunits/{businessUnitId}/adherence/explanations/query",
        ],
        status: Asked::At("/api/v2/workforcemanagement/adherence/explanations/jobs/{jobId}"),
        ..RULE
    },
    Row {
        submits: &["PATCH /api/v2/workforcemanagement/alternativeshifts/trades/state/jobs"],
        status: Asked::At(
            "/api/v2/workforcemanagement/alternativeshifts/trades/state/jobs/{jobId}",
        ),
        result: Named::At("bulkUpdateTradesResults"),
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/workforcemanagement/alternativeshifts/offers/jobs",
            "POST /api/v2/workforcemanagement/alternativeshifts/offers/search/jobs",
        ],
        result: Named::At("viewOffersResults"),
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/workforcemanagement/businessunits/{businessUnitId}/alternativeshifts/trades/search",
        ],
        status: Asked::At(
            "/api/v2/workforcemanagement/businessunits/{businessUnitId}/alternativeshifts/trades/search/jobs/{jobId}",
        ),
        result: Named::At("viewTradesResults"),
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/workforcemanagement/businessunits/{businessUnitId}/weeks/{weekId}/schedules/generate",
            "POST /api/v2/workforcemanagement/businessunits/{businessUnitId}/weeks/{weekId}/schedules/{scheduleId}/reschedule",
        ],
        status: Asked::At(
            "/api/v2/workforcemanagement/businessunits/{businessUnitId}/scheduling/runs/{runId}",
        ),
        // The operationId next to it belongs to the notification.
        id: Some(IdPlace::Field("result.id")),
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/workforcemanagement/businessunits/{businessUnitId}/agentschedules/search",
            "POST /api/v2/workforcemanagement/managementunits/{managementUnitId}/agentschedules/search",
            "POST /api/v2/workforcemanagement/businessunits/{businessUnitId}/weeks/{weekId}/schedules/{scheduleId}/agentschedules/query",
            "POST /api/v2/workforcemanagement/agentschedules/managementunits/mine",
        ],
        status: Asked::Nowhere,
        id: Some(IdPlace::Field("operationId")),
        result: Named::At("result.agentSchedules"),
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/workforcemanagement/managementunits/{managementUnitId}/weeks/{weekDateId}/shifttrades/state/bulk",
            "POST /api/v2/workforcemanagement/businessunits/{businessUnitId}/intraday",
            "POST /api/v2/workforcemanagement/businessunits/{businessUnitId}/weeks/{weekDateId}/shorttermforecasts/generate",
            "POST /api/v2/workforcemanagement/businessunits/{businessUnitId}/weeks/{weekDateId}/shorttermforecasts/import",
            "POST /api/v2/workforcemanagement/businessunits/{businessUnitId}/weeks/{weekDateId}/shorttermforecasts/{forecastId}/copy",
            "POST /api/v2/workforcemanagement/businessunits/{businessUnitId}/weeks/{weekId}/schedules/import",
            "POST /api/v2/workforcemanagement/businessunits/{businessUnitId}/weeks/{weekId}/schedules/{scheduleId}/copy",
            "POST /api/v2/workforcemanagement/businessunits/{businessUnitId}/weeks/{weekId}/schedules/{scheduleId}/update",
            "DELETE /api/v2/workforcemanagement/businessunits/{businessUnitId}/weeks/{weekId}/schedules/{scheduleId}",
        ],
        status: Asked::Nowhere,
        id: Some(IdPlace::Field("operationId")),
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/workforcemanagement/integrations/hris/{hrisIntegrationId}/timeofftypes/jobs",
        ],
        status: Asked::At(
            "/api/v2/workforcemanagement/integrations/hris/timeofftypes/jobs/{jobId}",
        ),
        ..RULE
    },
    Row {
        submits: &["POST /api/v2/workforcemanagement/historicaldata/validate"],
        status: Asked::At("/api/v2/workforcemanagement/historicaldata/importstatus/{jobId}"),
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/outbound/contactlists/{contactListId}/contacts/bulk/update",
            "POST /api/v2/outbound/contactlists/{contactListId}/contacts/bulk/remove",
        ],
        status: Asked::At(
            "/api/v2/outbound/contactlists/{contactListId}/contacts/bulk/jobs/{jobId}",
        ),
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/outbound/contactlists/{contactListId}/export",
            "POST /api/v2/outbound/dnclists/{dncListId}/export",
        ],
        status: Asked::Same,
        id: Some(IdPlace::Nowhere),
        told: Word::Since("exportTimestamp"),
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/workforcemanagement/businessunits/{businessUnitId}/decisionmetrics/update",
        ],
        status: Asked::At(
            "/api/v2/workforcemanagement/businessunits/{businessUnitId}/decisionmetrics/jobs/{jobId}",
        ),
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/workforcemanagement/businessunits/{businessUnitId}/weeks/{weekId}/schedules/{scheduleId}/performancepredictions/recalculations",
        ],
        ..RULE
    },
    Row {
        submits: &["GET /api/v2/workforcemanagement/alternativeshifts/trades"],
        status: Asked::At("/api/v2/workforcemanagement/alternativeshifts/trades/jobs/{jobId}"),
        result: Named::At("viewTradesResults"),
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/conversations/{conversationId}/communications/{communicationId}/agentchecklists/{agentChecklistId}/jobs",
        ],
        result: Named::At("agentChecklistInfo"),
        ..RULE
    },
    Row {
        submits: &["POST /api/v2/speechandtextanalytics/topics/generatedphrases/jobs"],
        result: Named::At("aiGeneratedPhrases"),
        ..RULE
    },
    Row {
        submits: &["PUT /api/v2/recording/jobs/{jobId}"],
        status: Asked::At("/api/v2/recording/jobs/{jobId}"),
        id: Some(IdPlace::Path),
        without: &["READY"],
        ..RULE
    },
    Row {
        submits: &["POST /api/v2/analytics/reporting/exports"],
        status: Asked::Same,
        told: Word::InList,
        ..RULE
    },
    Row {
        submits: &["POST /api/v2/usage/query"],
        status: Asked::At("/api/v2/usage/query/{executionId}/results"),
        ..RULE
    },
    Row {
        submits: &["POST /api/v2/usage/simplesearch"],
        status: Asked::At("/api/v2/usage/simplesearch/{executionId}/results"),
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/oauth/clients/{clientId}/usage/query",
            "GET /api/v2/oauth/clients/{clientId}/usage/summary",
        ],
        status: Asked::At("/api/v2/oauth/clients/{clientId}/usage/query/results/{executionId}"),
        ..RULE
    },
    Row {
        submits: &[
            "DELETE /api/v2/agentic/virtualagents/{virtualAgentId}/jobs",
            "DELETE /api/v2/guides/{guideId}/jobs",
        ],
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/agentic/virtualagents/{virtualAgentId}/versions/{versionId}/jobs",
            "POST /api/v2/flows/actions/publish",
            "POST /api/v2/flows/actions/checkin",
            "DELETE /api/v2/flows",
            "DELETE /api/v2/architect/prompts",
            "PUT /api/v2/flows/outcomes/{flowOutcomeId}",
            "POST /api/v2/knowledge/knowledgebases/{knowledgeBaseId}/sources/salesforce",
            "POST /api/v2/knowledge/knowledgebases/{knowledgeBaseId}/sources/servicenow",
            "POST /api/v2/conversations/calls/{conversationId}/participants/{participantId}/communications/{communicationId}/summaries",
            "POST /api/v2/conversations/messages/{conversationId}/participants/{participantId}/communications/{communicationId}/summaries",
        ],
        status: Asked::Nowhere,
        result: Named::None,
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/flows/{flowId}/history",
            "POST /api/v2/architect/prompts/{promptId}/history",
            "POST /api/v2/architect/systemprompts/{promptId}/history",
        ],
        ..RULE
    },
    Row {
        submits: &["POST /api/v2/architect/dependencytracking/build"],
        status: Asked::Same,
        id: Some(IdPlace::Nowhere),
        told: Word::States(&["BUILDQUEUED", "BUILDINITIALIZING", "BUILDINPROGRESS", "OPERATIONAL"]),
        ..RULE
    },
    Row {
        submits: &["POST /api/v2/externalcontacts/import/csv/jobs"],
        status: Asked::At("/api/v2/externalcontacts/import/jobs/{jobId}"),
        ..RULE
    },
    Row { submits: &["POST /api/v2/gdpr/requests"], ..RULE },
    Row {
        submits: &[
            "GET /api/v2/conversations/{conversationId}/recordings",
            "GET /api/v2/conversations/{conversationId}/recordings/{recordingId}",
            "GET /api/v2/orphanrecordings/{orphanId}/media",
            "GET /api/v2/contentmanagement/documents/{documentId}/content",
            "GET /api/v2/contentmanagement/shared/{sharedId}",
            "GET /api/v2/greetings/{greetingId}/downloads",
            "GET /api/v2/greetings/{greetingId}/groups/downloads",
            "GET /api/v2/greetings/{greetingId}/users/downloads",
            "GET /api/v2/userrecordings/{recordingId}/transcoding",
        ],
        status: Asked::Same,
        id: Some(IdPlace::Nowhere),
        told: Word::Accepted,
        ..RULE
    },
    Row {
        submits: &[
            "DELETE /api/v2/contentmanagement/workspaces/{workspaceId}",
            "DELETE /api/v2/contentmanagement/documents/{documentId}",
        ],
        status: Asked::At("/api/v2/contentmanagement/status/{statusId}"),
        id: Some(IdPlace::Location),
        ..RULE
    },
    Row { submits: &["POST /api/v2/recording/uploads/reports"], ..RULE },
    Row {
        submits: &["POST /api/v2/flows/datatables/{datatableId}/import/csv/jobs"],
        status: Asked::At("/api/v2/flows/datatables/{datatableId}/import/jobs/{importJobId}"),
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/telephony/providers/edges/{edgeId}/diagnostic/ping",
            "POST /api/v2/telephony/providers/edges/{edgeId}/diagnostic/nslookup",
            "POST /api/v2/telephony/providers/edges/{edgeId}/diagnostic/route",
            "POST /api/v2/telephony/providers/edges/{edgeId}/diagnostic/tracepath",
        ],
        status: Asked::Same,
        id: Some(IdPlace::Nowhere),
        told: Word::Field("diagnostics"),
        ..RULE
    },
    Row {
        submits: &["POST /api/v2/responsemanagement/responseassets/uploads"],
        status: Asked::At("/api/v2/responsemanagement/responseassets/status/{statusId}"),
        ..RULE
    },
    Row {
        submits: &["POST /api/v2/knowledge/knowledgebases/{knowledgeBaseId}/parse/jobs"],
        // The URL is that of the source, and the states include those of the second phase.
        result: Named::Only("parseResults"),
        without: IMPORT_PHASE,
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/knowledge/knowledgebases/{knowledgeBaseId}/parse/jobs/{parseJobId}/import",
        ],
        status: Asked::At(
            "/api/v2/knowledge/knowledgebases/{knowledgeBaseId}/parse/jobs/{parseJobId}",
        ),
        id: Some(IdPlace::Path),
        result: Named::Only("importResult"),
        without: PARSE_PHASE,
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/knowledge/knowledgebases/{knowledgeBaseId}/import/jobs",
            "POST /api/v2/knowledge/knowledgebases/{knowledgeBaseId}/synchronize/jobs",
        ],
        // The URL is that of the source.
        result: Named::None,
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/speechandtextanalytics/programs",
            "PUT /api/v2/speechandtextanalytics/programs/{programId}",
            "DELETE /api/v2/speechandtextanalytics/programs/{programId}",
        ],
        status: Asked::At("/api/v2/speechandtextanalytics/programs/topiclinks/jobs/{jobId}"),
        id: Some(IdPlace::Field("topicLinksJob.id")),
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/knowledge/knowledgebases/{knowledgeBaseId}/sources/salesforce/{sourceId}/sync",
            "POST /api/v2/knowledge/knowledgebases/{knowledgeBaseId}/sources/servicenow/{sourceId}/sync",
            "POST /api/v2/workforcemanagement/managementunits/{managementUnitId}/move",
        ],
        status: Asked::Nowhere,
        id: Some(IdPlace::Nowhere),
        result: Named::None,
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/workforcemanagement/businessunits/{businessUnitId}/timeofflimits/{timeOffLimitId}/granularityconversion",
        ],
        status: Asked::At(
            "/api/v2/workforcemanagement/businessunits/{businessUnitId}/timeofflimits/{timeOffLimitId}/granularityconversion/jobs/{jobId}",
        ),
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/workforcemanagement/businessunits/{businessUnitId}/capacityplans/{capacityPlanId}/requirement/generate",
        ],
        status: Asked::At(
            "/api/v2/workforcemanagement/businessunits/{businessUnitId}/capacityplans/{capacityPlanId}/staffingrequirements",
        ),
        id: Some(IdPlace::Path),
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/workforcemanagement/businessunits/{businessUnitId}/capacityplanning/longtermrequirements/automaticbestmethod/weeks/{weekDateId}/forecasts/{forecastId}/forceregenerate",
        ],
        status: Asked::At(
            "/api/v2/workforcemanagement/businessunits/{businessUnitId}/capacityplanning/longtermrequirements/automaticbestmethod/weeks/{weekDateId}/forecasts/{forecastId}",
        ),
        id: Some(IdPlace::Path),
        result: Named::At("longTermRequirements"),
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/flows/executions",
            "POST /api/v2/learning/scorm",
            "POST /api/v2/knowledge/sources/{sourceId}/synchronizations",
            "POST /api/v2/conversations/messages/{conversationId}/communications/{communicationId}/messages/media",
        ],
        result: Named::None,
        ..RULE
    },
    Row {
        submits: &["POST /api/v2/contentmanagement/documents/{documentId}/content"],
        status: Asked::At("/api/v2/contentmanagement/status/{statusId}"),
        id: Some(IdPlace::Field("uploadStatus.id")),
        ..RULE
    },
    Row {
        submits: &["POST /api/v2/telephony/providers/edges/{edgeId}/softwareupdate"],
        status: Asked::Same,
        id: Some(IdPlace::Nowhere),
        // The update has expired, not its result.
        without: &["EXPIRED"],
        ..RULE
    },
    Row {
        submits: &["POST /api/v2/telephony/siptraces/download"],
        id: Some(IdPlace::Field("downloadId")),
        told: Word::Field("url"),
        result: Named::Link("url"),
        ..RULE
    },
    Row {
        submits: &["POST /api/v2/outbound/campaigns/{campaignId}/agentownedmappingpreview"],
        status: Asked::At(
            "/api/v2/outbound/campaigns/{campaignId}/agentownedmappingpreview/results",
        ),
        id: Some(IdPlace::Path),
        told: Word::Field("entities"),
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/languageunderstanding/domains/{domainId}/versions/{domainVersionId}/train",
        ],
        status: Asked::At(
            "/api/v2/languageunderstanding/domains/{domainId}/versions/{domainVersionId}",
        ),
        id: Some(IdPlace::Path),
        result: Named::None,
        ..RULE
    },
    Row {
        submits: &["POST /api/v2/languageunderstanding/miners/{minerId}/execute"],
        status: Asked::At("/api/v2/languageunderstanding/miners/{minerId}"),
        id: Some(IdPlace::Path),
        result: Named::None,
        // Each step has its own error state.
        without: &[
            "ConversationIdsFetchError",
            "ConversationsFetchError",
            "QueuingError",
            "MaskingError",
            "ComputingAnalyticsError",
            "ModelValidationError",
        ],
        ..RULE
    },
    Row {
        submits: &["POST /api/v2/journey/actionmaps/estimates/jobs"],
        told: Word::States(&["QUEUED", "PENDING", "FAILED", "CANCELLED", "FULFILLED", "EXPIRED"]),
        ..RULE
    },
];
