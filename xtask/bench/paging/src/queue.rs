//! A queue as one would write it for serde, with all fields of the pages. The enums are those of the SDK.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use genesys_cloud::types;
use serde::Deserialize;

macro_rules! records {
    ($($name:ident { $($field:ident: $type:ty,)* })*) => {$(
        #[allow(dead_code)] // Only deserialized.
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub(crate) struct $name {
            $($field: Option<$type>,)*
        }
    )*};
}

records! {
    Queue {
        id: String,
        name: String,
        division: Reference,
        description: String,
        date_created: DateTime<Utc>,
        date_modified: DateTime<Utc>,
        modified_by: String,
        created_by: String,
        member_count: i64,
        user_member_count: i64,
        joined_member_count: i64,
        media_settings: Box<AllMediaSettings>,
        routing_rules: Vec<RoutingRule>,
        conditional_group_routing: GroupRouting,
        conditional_group_activation: GroupActivation,
        bullseye: Bullseye,
        scoring_method: types::QueueScoringMethod,
        last_agent_routing_mode: types::QueueLastAgentRoutingMode,
        acw_settings: AcwSettings,
        skill_evaluation_method: types::QueueSkillEvaluationMethod,
        member_groups: Vec<MemberGroup>,
        queue_flow: Reference,
        email_in_queue_flow: Reference,
        message_in_queue_flow: Reference,
        whisper_prompt: Reference,
        on_hold_prompt: Reference,
        default_media_language: String,
        auto_answer_only: bool,
        canned_response_libraries: Libraries,
        enable_transcription: bool,
        enable_audio_monitoring: bool,
        enable_manual_assignment: bool,
        agent_owned_routing: AgentOwnedRouting,
        direct_routing: DirectRouting,
        calling_party_name: String,
        calling_party_number: String,
        default_scripts: BTreeMap<String, Script>,
        outbound_messaging_addresses: Box<MessagingAddresses>,
        outbound_email_address: EmailAddress,
        peer_id: String,
        suppress_in_queue_call_recording: bool,
        self_uri: String,
    }
    Reference {
        id: String,
        name: String,
        self_uri: String,
    }
    AllMediaSettings {
        call: MediaSettings,
        callback: Box<CallbackSettings>,
        chat: MediaSettings,
        email: MediaSettings,
        message: MediaSettings,
    }
    MediaSettings {
        enable_auto_answer: bool,
        alerting_timeout_seconds: i64,
        auto_answer_alert_tone_seconds: f64,
        manual_answer_alert_tone_seconds: f64,
        enable_inactivity_timeout: bool,
    }
    CallbackSettings {
        enable_auto_answer: bool,
        alerting_timeout_seconds: i64,
        auto_answer_alert_tone_seconds: f64,
        manual_answer_alert_tone_seconds: f64,
        mode: types::CallbackMediaSettingsMode,
        enable_auto_dial_and_end: bool,
        auto_dial_delay_seconds: i64,
        auto_end_delay_seconds: i64,
        pacing_modifier: f64,
        max_retry_count: i64,
        retry_delay_seconds: i64,
        live_voice_reaction_type: types::CallbackMediaSettingsLiveVoiceReactionType,
        answering_machine_reaction_type: types::CallbackMediaSettingsAnsweringMachineReactionType,
    }
    RoutingRule {
        operator: types::RoutingRuleOperator,
        threshold: i64,
        wait_seconds: f64,
    }
    GroupRouting {
        rules: Vec<GroupRoutingRule>,
    }
    GroupRoutingRule {
        metric: types::ConditionalGroupRoutingRuleMetric,
        operator: types::ConditionalGroupRoutingRuleOperator,
        condition_value: f64,
        wait_seconds: i64,
    }
    GroupActivation {
        pilot_rule: ActivationRule,
        rules: Vec<ActivationRule>,
    }
    ActivationRule {
        condition_expression: String,
    }
    Bullseye {
        rings: Vec<Ring>,
    }
    Ring {
        member_groups: Vec<MemberGroup>,
    }
    AcwSettings {
        wrapup_prompt: types::AcwSettingsWrapupPrompt,
        timeout_ms: i64,
    }
    MemberGroup {
        id: String,
        name: String,
        r#type: types::MemberGroupType,
        member_count: i64,
        self_uri: String,
    }
    Libraries {
        library_ids: Vec<String>,
        mode: types::CannedResponseLibrariesMode,
    }
    AgentOwnedRouting {
        enable_agent_owned_callbacks: bool,
        max_owned_callback_hours: i64,
        max_owned_callback_delay_hours: i64,
    }
    DirectRouting {
        call_media_settings: DirectMediaSettings,
        email_media_settings: DirectMediaSettings,
        message_media_settings: DirectMediaSettings,
        backup_queue_id: String,
        wait_for_agent: bool,
        agent_wait_seconds: i64,
    }
    DirectMediaSettings {
        use_agent_address_outbound: bool,
    }
    Script {
        id: String,
        name: String,
        version_id: String,
        created_date: DateTime<Utc>,
        modified_date: DateTime<Utc>,
        published_date: DateTime<Utc>,
        version_date: DateTime<Utc>,
        start_page_id: String,
        start_page_name: String,
        self_uri: String,
    }
    MessagingAddresses {
        sms_address: Reference,
        open_messaging_recipient: Reference,
        whats_app_recipient: Reference,
    }
    EmailAddress {
        domain: Reference,
        route: Box<InboundRoute>,
    }
    InboundRoute {
        id: String,
        name: String,
        pattern: String,
        priority: i64,
        from_name: String,
        from_email: String,
        history_inclusion: types::InboundRouteHistoryInclusion,
        allow_multiple_actions: bool,
        status: types::InboundRouteStatus,
        self_uri: String,
    }
}
