//! What a source's thread tells: to the sinks with each window, and to whoever asks for the status.

use std::sync::atomic::Ordering;

use crate::capture::LossCause;
use crate::capture::supervised::SourceState;
use crate::emit::report::Report;
use crate::emit::status::BesideStatus;
use crate::emit::status::SourceStatus;
use crate::pipeline::daemon::Part;
use crate::pipeline::daemon::Shared;
use crate::pipeline::daemon::Told;
use crate::pipeline::daemon::Trouble;
use crate::pipeline::daemon::Unkept;
use crate::pipeline::daemon::Worker;
use crate::pipeline::pace::Pace;
use crate::pipeline::window::Scored;

/// What the last window said, for the status.
#[derive(Debug, Clone, Default)]
pub(super) struct Last {
    novelty: Option<f32>,
    judged: bool,
    name: Option<String>,
    confidence: Option<f32>,
    p_recent: Option<f32>,
    p_anchor: Option<f32>,
}

impl Worker {
    pub(super) fn first_status(part: &Part) -> SourceStatus {
        let Unkept { count: unkept, reason: unkept_reason } = Unkept::at_start(part);
        let (name, state) = (part.name.clone(), "opening".into());
        SourceStatus { name, state, unkept, unkept_reason, ..SourceStatus::default() }
    }

    pub(super) fn post(&mut self, state: Option<&str>, report: Report) {
        let part = &self.part;
        let lost = report.losses.get(LossCause::Overrun.name()).copied().unwrap_or(0);
        self.lateness.note(lost, report.input_s);
        let device = part.device.get();
        let (device_state, trouble) = match device.state {
            SourceState::Opening => ("opening", Trouble::default()),
            SourceState::Running => ("running", Trouble::default()),
            SourceState::Waiting { reason, .. } => {
                ("waiting", Trouble { detail: reason, mend: device.mend })
            }
            SourceState::Ended => ("ended", Trouble::default()),
        };
        let Trouble { detail, mend } = self.trouble.clone().unwrap_or(trouble);
        let status = SourceStatus {
            name: part.name.clone(),
            state: state.unwrap_or(device_state).into(),
            detail,
            mend,
            restarts: device.restart_count,
            tries: device.open_count,
            catching_up: part.live && self.lateness.pace() != Pace::Full,
            encoder: part.track.encoder_name().into(),
            stream_s: report.input_s,
            windows: report.windows,
            events: report.events,
            warming_up: !self.last.judged,
            novelty: self.last.novelty,
            threshold: part.track.threshold(),
            calibrated_days: report.calibrated_days,
            p_recent: self.last.p_recent,
            p_anchor: self.last.p_anchor,
            notices: report.notices,
            names: part.track.name_list(),
            is_called: self.last.name.clone(),
            confidence: self.last.confidence,
            updates: report.updates,
            commits: report.commits,
            rejections: report.rejections,
            skill_vs_mean: report.skill_vs_mean,
            learner_bytes: report.learner_bytes,
            beside: self.beside(),
            losses: report.losses,
            checkpoint_sha256: part.keeper.newest_sha256.clone(),
            unkept: self.unkept.count,
            unkept_reason: self.unkept.reason.clone(),
        };
        self.board.post(self.index, status);
    }

    fn beside(&self) -> Option<BesideStatus> {
        let (pairing, companion) = (self.part.pairing.as_ref()?, self.part.track.companion()?);
        Some(BesideStatus {
            source: companion.name().into(),
            refused: pairing.refused(),
            counts: companion.report(),
        })
    }
}

/// Passes on what came of a window to the sinks, and remembers it.
pub(super) fn told(name: &str, live: bool, shared: &Shared, last: &mut Last, scored: &Scored<'_>) {
    last.novelty = scored.score.novelty;
    last.judged |= scored.score.novelty.is_some();
    (last.name, last.confidence) = (scored.name(), scored.confidence());
    let mut refused = 0;
    (last.p_recent, last.p_anchor) = (scored.score.p_recent, scored.score.p_anchor);
    if scored.score.event || scored.learnt.notice.is_some() {
        let time = live.then(|| jiff::Timestamp::now().to_string());
        let clock_synced = if live { shared.allowance.status().clock_synced } else { None };
        for event in scored.events(name, time, clock_synced) {
            refused += u64::from(shared.sinks.try_send(Told::Event(event)).is_err());
        }
    }
    if shared.wants_rows {
        let row = scored.row(name);
        refused += u64::from(shared.sinks.try_send(Told::Row(row)).is_err());
    }
    shared.refusals.fetch_add(refused, Ordering::Relaxed);
}
