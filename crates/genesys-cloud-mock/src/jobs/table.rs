//! Jobs whose details the document doesn't state, according to the service's documentation and clients.

use super::row::{CompletionRule, RULE, ResultField, Row, StatusRule};
use super::spec::IdLocation;

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
        status: StatusRule::At("/api/v2/workforcemanagement/adherence/historical/jobs/{jobId}"),
        ..RULE
    },
    Row {
        submits: &["POST /api/v2/workforcemanagement/adherence/historical/bulk"],
        status: StatusRule::At(
            "/api/v2/workforcemanagement/adherence/historical/bulk/jobs/{jobId}",
        ),
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/workforcemanagement/managementunits/{managementUnitId}/shrinkage/jobs",
            "POST /api/v2/workforcemanagement/teams/{teamId}/shrinkage/jobs",
        ],
        status: StatusRule::At("/api/v2/workforcemanagement/shrinkage/jobs/{jobId}"),
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/workforcemanagement/managementunits/{managementUnitId}/users/{userId}/timeoffbalance/jobs",
            "POST /api/v2/workforcemanagement/managementunits/{managementUnitId}/users/{userId}/timeoffrequests/{timeOffRequestId}/timeoffbalance/jobs",
        ],
        status: StatusRule::At("/api/v2/workforcemanagement/timeoffbalance/jobs/{jobId}"),
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/workforcemanagement/adherence/explanations",
            "POST /api/v2/workforcemanagement/agents/{agentId}/adherence/explanations",
            "PATCH /api/v2/workforcemanagement/agents/{agentId}/adherence/explanations/{explanationId}",
        ],
        status: StatusRule::At("/api/v2/workforcemanagement/adherence/explanations/jobs/{jobId}"),
        result: ResultField::Only("adherenceExplanation"),
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/workforcemanagement/adherence/explanations/query",
            "POST /api/v2/workforcemanagement/agents/{agentId}/adherence/explanations/query",
            "POST /api/v2/workforcemanagement/businessunits/{businessUnitId}/adherence/explanations/query",
        ],
        status: StatusRule::At("/api/v2/workforcemanagement/adherence/explanations/jobs/{jobId}"),
        ..RULE
    },
    Row {
        submits: &["PATCH /api/v2/workforcemanagement/alternativeshifts/trades/state/jobs"],
        status: StatusRule::At(
            "/api/v2/workforcemanagement/alternativeshifts/trades/state/jobs/{jobId}",
        ),
        result: ResultField::At("bulkUpdateTradesResults"),
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/workforcemanagement/alternativeshifts/offers/jobs",
            "POST /api/v2/workforcemanagement/alternativeshifts/offers/search/jobs",
        ],
        result: ResultField::At("viewOffersResults"),
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/workforcemanagement/businessunits/{businessUnitId}/alternativeshifts/trades/search",
        ],
        status: StatusRule::At(
            "/api/v2/workforcemanagement/businessunits/{businessUnitId}/alternativeshifts/trades/search/jobs/{jobId}",
        ),
        result: ResultField::At("viewTradesResults"),
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/workforcemanagement/businessunits/{businessUnitId}/weeks/{weekId}/schedules/generate",
            "POST /api/v2/workforcemanagement/businessunits/{businessUnitId}/weeks/{weekId}/schedules/{scheduleId}/reschedule",
        ],
        status: StatusRule::At(
            "/api/v2/workforcemanagement/businessunits/{businessUnitId}/scheduling/runs/{runId}",
        ),
        // The operationId next to it belongs to the notification.
        id: Some(IdLocation::Field("result.id")),
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/workforcemanagement/businessunits/{businessUnitId}/agentschedules/search",
            "POST /api/v2/workforcemanagement/managementunits/{managementUnitId}/agentschedules/search",
            "POST /api/v2/workforcemanagement/businessunits/{businessUnitId}/weeks/{weekId}/schedules/{scheduleId}/agentschedules/query",
            "POST /api/v2/workforcemanagement/agentschedules/managementunits/mine",
        ],
        status: StatusRule::Nowhere,
        id: Some(IdLocation::Field("operationId")),
        result: ResultField::At("result.agentSchedules"),
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
        status: StatusRule::Nowhere,
        id: Some(IdLocation::Field("operationId")),
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/workforcemanagement/integrations/hris/{hrisIntegrationId}/timeofftypes/jobs",
        ],
        status: StatusRule::At(
            "/api/v2/workforcemanagement/integrations/hris/timeofftypes/jobs/{jobId}",
        ),
        ..RULE
    },
    Row {
        submits: &["POST /api/v2/workforcemanagement/historicaldata/validate"],
        status: StatusRule::At("/api/v2/workforcemanagement/historicaldata/importstatus/{jobId}"),
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/outbound/contactlists/{contactListId}/contacts/bulk/update",
            "POST /api/v2/outbound/contactlists/{contactListId}/contacts/bulk/remove",
        ],
        status: StatusRule::At(
            "/api/v2/outbound/contactlists/{contactListId}/contacts/bulk/jobs/{jobId}",
        ),
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/outbound/contactlists/{contactListId}/export",
            "POST /api/v2/outbound/dnclists/{dncListId}/export",
        ],
        status: StatusRule::Same,
        id: Some(IdLocation::Nowhere),
        completion: CompletionRule::Since("exportTimestamp"),
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/workforcemanagement/businessunits/{businessUnitId}/decisionmetrics/update",
        ],
        status: StatusRule::At(
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
        status: StatusRule::At("/api/v2/workforcemanagement/alternativeshifts/trades/jobs/{jobId}"),
        result: ResultField::At("viewTradesResults"),
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/conversations/{conversationId}/communications/{communicationId}/agentchecklists/{agentChecklistId}/jobs",
        ],
        result: ResultField::At("agentChecklistInfo"),
        ..RULE
    },
    Row {
        submits: &["POST /api/v2/speechandtextanalytics/topics/generatedphrases/jobs"],
        result: ResultField::At("aiGeneratedPhrases"),
        ..RULE
    },
    Row {
        submits: &["PUT /api/v2/recording/jobs/{jobId}"],
        status: StatusRule::At("/api/v2/recording/jobs/{jobId}"),
        id: Some(IdLocation::Path),
        without: &["READY"],
        ..RULE
    },
    Row {
        submits: &["POST /api/v2/analytics/reporting/exports"],
        status: StatusRule::Same,
        completion: CompletionRule::InList,
        ..RULE
    },
    Row {
        submits: &["POST /api/v2/usage/query"],
        status: StatusRule::At("/api/v2/usage/query/{executionId}/results"),
        ..RULE
    },
    Row {
        submits: &["POST /api/v2/usage/simplesearch"],
        status: StatusRule::At("/api/v2/usage/simplesearch/{executionId}/results"),
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/oauth/clients/{clientId}/usage/query",
            "GET /api/v2/oauth/clients/{clientId}/usage/summary",
        ],
        status: StatusRule::At(
            "/api/v2/oauth/clients/{clientId}/usage/query/results/{executionId}",
        ),
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
        status: StatusRule::Nowhere,
        result: ResultField::None,
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
        status: StatusRule::Same,
        id: Some(IdLocation::Nowhere),
        completion: CompletionRule::States(&[
            "BUILDQUEUED",
            "BUILDINITIALIZING",
            "BUILDINPROGRESS",
            "OPERATIONAL",
        ]),
        ..RULE
    },
    Row {
        submits: &["POST /api/v2/externalcontacts/import/csv/jobs"],
        status: StatusRule::At("/api/v2/externalcontacts/import/jobs/{jobId}"),
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
        status: StatusRule::Same,
        id: Some(IdLocation::Nowhere),
        completion: CompletionRule::Accepted,
        ..RULE
    },
    Row {
        submits: &[
            "DELETE /api/v2/contentmanagement/workspaces/{workspaceId}",
            "DELETE /api/v2/contentmanagement/documents/{documentId}",
        ],
        status: StatusRule::At("/api/v2/contentmanagement/status/{statusId}"),
        id: Some(IdLocation::Location),
        ..RULE
    },
    Row { submits: &["POST /api/v2/recording/uploads/reports"], ..RULE },
    Row {
        submits: &["POST /api/v2/flows/datatables/{datatableId}/import/csv/jobs"],
        status: StatusRule::At("/api/v2/flows/datatables/{datatableId}/import/jobs/{importJobId}"),
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/telephony/providers/edges/{edgeId}/diagnostic/ping",
            "POST /api/v2/telephony/providers/edges/{edgeId}/diagnostic/nslookup",
            "POST /api/v2/telephony/providers/edges/{edgeId}/diagnostic/route",
            "POST /api/v2/telephony/providers/edges/{edgeId}/diagnostic/tracepath",
        ],
        status: StatusRule::Same,
        id: Some(IdLocation::Nowhere),
        completion: CompletionRule::Field("diagnostics"),
        ..RULE
    },
    Row {
        submits: &["POST /api/v2/responsemanagement/responseassets/uploads"],
        status: StatusRule::At("/api/v2/responsemanagement/responseassets/status/{statusId}"),
        ..RULE
    },
    Row {
        submits: &["POST /api/v2/knowledge/knowledgebases/{knowledgeBaseId}/parse/jobs"],
        // The URL is that of the source, and the states include those of the second phase.
        result: ResultField::Only("parseResults"),
        without: IMPORT_PHASE,
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/knowledge/knowledgebases/{knowledgeBaseId}/parse/jobs/{parseJobId}/import",
        ],
        status: StatusRule::At(
            "/api/v2/knowledge/knowledgebases/{knowledgeBaseId}/parse/jobs/{parseJobId}",
        ),
        id: Some(IdLocation::Path),
        result: ResultField::Only("importResult"),
        without: PARSE_PHASE,
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/knowledge/knowledgebases/{knowledgeBaseId}/import/jobs",
            "POST /api/v2/knowledge/knowledgebases/{knowledgeBaseId}/synchronize/jobs",
        ],
        // The URL is that of the source.
        result: ResultField::None,
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/speechandtextanalytics/programs",
            "PUT /api/v2/speechandtextanalytics/programs/{programId}",
            "DELETE /api/v2/speechandtextanalytics/programs/{programId}",
        ],
        status: StatusRule::At("/api/v2/speechandtextanalytics/programs/topiclinks/jobs/{jobId}"),
        id: Some(IdLocation::Field("topicLinksJob.id")),
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/knowledge/knowledgebases/{knowledgeBaseId}/sources/salesforce/{sourceId}/sync",
            "POST /api/v2/knowledge/knowledgebases/{knowledgeBaseId}/sources/servicenow/{sourceId}/sync",
            "POST /api/v2/workforcemanagement/managementunits/{managementUnitId}/move",
        ],
        status: StatusRule::Nowhere,
        id: Some(IdLocation::Nowhere),
        result: ResultField::None,
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/workforcemanagement/businessunits/{businessUnitId}/timeofflimits/{timeOffLimitId}/granularityconversion",
        ],
        status: StatusRule::At(
            "/api/v2/workforcemanagement/businessunits/{businessUnitId}/timeofflimits/{timeOffLimitId}/granularityconversion/jobs/{jobId}",
        ),
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/workforcemanagement/businessunits/{businessUnitId}/capacityplans/{capacityPlanId}/requirement/generate",
        ],
        status: StatusRule::At(
            "/api/v2/workforcemanagement/businessunits/{businessUnitId}/capacityplans/{capacityPlanId}/staffingrequirements",
        ),
        id: Some(IdLocation::Path),
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/workforcemanagement/businessunits/{businessUnitId}/capacityplanning/longtermrequirements/automaticbestmethod/weeks/{weekDateId}/forecasts/{forecastId}/forceregenerate",
        ],
        status: StatusRule::At(
            "/api/v2/workforcemanagement/businessunits/{businessUnitId}/capacityplanning/longtermrequirements/automaticbestmethod/weeks/{weekDateId}/forecasts/{forecastId}",
        ),
        id: Some(IdLocation::Path),
        result: ResultField::At("longTermRequirements"),
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/flows/executions",
            "POST /api/v2/learning/scorm",
            "POST /api/v2/knowledge/sources/{sourceId}/synchronizations",
            "POST /api/v2/conversations/messages/{conversationId}/communications/{communicationId}/messages/media",
        ],
        result: ResultField::None,
        ..RULE
    },
    Row {
        submits: &["POST /api/v2/contentmanagement/documents/{documentId}/content"],
        status: StatusRule::At("/api/v2/contentmanagement/status/{statusId}"),
        id: Some(IdLocation::Field("uploadStatus.id")),
        ..RULE
    },
    Row {
        submits: &["POST /api/v2/telephony/providers/edges/{edgeId}/softwareupdate"],
        status: StatusRule::Same,
        id: Some(IdLocation::Nowhere),
        // The update has expired, not its result.
        without: &["EXPIRED"],
        ..RULE
    },
    Row {
        submits: &["POST /api/v2/telephony/siptraces/download"],
        id: Some(IdLocation::Field("downloadId")),
        completion: CompletionRule::Field("url"),
        result: ResultField::Link("url"),
        ..RULE
    },
    Row {
        submits: &["POST /api/v2/outbound/campaigns/{campaignId}/agentownedmappingpreview"],
        status: StatusRule::At(
            "/api/v2/outbound/campaigns/{campaignId}/agentownedmappingpreview/results",
        ),
        id: Some(IdLocation::Path),
        completion: CompletionRule::Field("entities"),
        ..RULE
    },
    Row {
        submits: &[
            "POST /api/v2/languageunderstanding/domains/{domainId}/versions/{domainVersionId}/train",
        ],
        status: StatusRule::At(
            "/api/v2/languageunderstanding/domains/{domainId}/versions/{domainVersionId}",
        ),
        id: Some(IdLocation::Path),
        result: ResultField::None,
        ..RULE
    },
    Row {
        submits: &["POST /api/v2/languageunderstanding/miners/{minerId}/execute"],
        status: StatusRule::At("/api/v2/languageunderstanding/miners/{minerId}"),
        id: Some(IdLocation::Path),
        result: ResultField::None,
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
        completion: CompletionRule::States(&[
            "QUEUED",
            "PENDING",
            "FAILED",
            "CANCELLED",
            "FULFILLED",
            "EXPIRED",
        ]),
        ..RULE
    },
];
