//! Which values of the `[learn]` table make sense.

use crate::config::learn::ContextNet;
use crate::config::learn::LearnSettings;
use crate::config::learn::LearnToml;
use crate::config::learn::SurpriseMeasure;
use crate::config::problems::Problems;

impl LearnToml {
    /// Checks the values by themselves and against each other.
    ///
    /// # Errors
    ///
    /// Every problem found, not just the first.
    pub fn check(self) -> Result<LearnSettings, Problems> {
        let mut problems = Problems::default();
        self.check_objectives(&mut problems);
        self.check_sizes(&mut problems);
        self.check_ranges(&mut problems);
        problems.or(LearnSettings(self))
    }

    /// All objectives with their weights.
    pub fn objectives(&self) -> [(&'static str, f32); 11] {
        self.clone().weights().map(|(name, weight)| (name, *weight))
    }

    /// The same with one objective alone, which has the weight 1 where it was off.
    #[must_use]
    pub fn alone(mut self, objective: &str) -> Self {
        for (name, weight) in self.weights() {
            *weight = match (name == objective, 0.0 < *weight) {
                (true, true) => *weight,
                (true, false) => 1.0,
                (false, _) => 0.0,
            };
        }
        self
    }

    const fn weights(&mut self) -> [(&'static str, &mut f32); 11] {
        [
            ("masked_prediction", &mut self.masked_prediction),
            ("predictive_coding", &mut self.predictive_coding),
            ("autoencoding", &mut self.autoencoding),
            ("contrastive_predictive", &mut self.contrastive_predictive),
            ("contrastive_views", &mut self.contrastive_views),
            ("align_uniform", &mut self.align_uniform),
            ("vicreg", &mut self.vicreg),
            ("temporal_order", &mut self.temporal_order),
            ("rotation", &mut self.rotation),
            ("colorization", &mut self.colorization),
            ("inpainting", &mut self.inpainting),
        ]
    }

    fn check_objectives(&self, problems: &mut Problems) {
        let weights = self.objectives();
        for (key, weight) in weights {
            problems.require(weight.is_finite() && 0.0 <= weight, &format!("learn.{key}"), || {
                format!("{weight} is no weight; 0 turns the objective off, 1 is usual")
            });
        }
        problems.require(
            weights.iter().any(|(_, weight)| 0.0 < *weight),
            "learn.masked_prediction",
            || "it and all other objectives are off; turn one on, or nothing is learnt".into(),
        );
        let of_pictures = [
            ("rotation", self.rotation),
            ("colorization", self.colorization),
            ("inpainting", self.inpainting),
        ];
        for (key, weight) in of_pictures {
            let can_be = weight <= 0.0 || 0.0 < self.side_every_s;
            problems.require(can_be, &format!("learn.{key}"), || {
                "needs pictures turned, made grey or cut up now and then; set learn.side_every_s \
                 above 0"
                    .into()
            });
        }
        problems.require(
            !self.horizons.is_empty() && self.horizons.iter().all(|k| (1..=64).contains(k)),
            "learn.horizons",
            || format!("{:?} should be one or more numbers from 1 to 64", self.horizons),
        );
        problems.require(
            !self.mask_spans.is_empty() && self.mask_spans.iter().all(|k| (1..=64).contains(k)),
            "learn.mask_spans",
            || format!("{:?} should be one or more lengths from 1 to 64", self.mask_spans),
        );
        problems.require(
            self.surprise != SurpriseMeasure::Likelihood || self.learnt_variance,
            "learn.surprise",
            || "\"likelihood\" needs learn.learnt_variance = true".into(),
        );
    }

    fn check_sizes(&self, problems: &mut Problems) {
        let sizes = [
            ("mask_block", self.mask_block, 1, 64),
            ("whitened_dim", self.whitened_dim, 1, 256),
            ("adapter_rank", self.adapter_rank, 1, 256),
            ("width", self.width, 1, 512),
            ("batch_windows", self.batch_windows, 2, 256),
            ("batch_tokens", self.batch_tokens, 2, 65_536),
            ("warm_up_windows", self.warm_up_windows, 4, 4096),
            ("recent_windows", self.recent_windows, 4, 65_536),
            ("reservoir_windows", self.reservoir_windows, 4, 65_536),
            ("clusters", self.clusters, 0, 64),
            ("cluster_windows", self.cluster_windows, 2, 48),
            ("memory_bytes", self.memory_bytes, 65_536, 1 << 30),
            ("level_windows", self.level_windows, 3, 4096),
            ("history_windows", self.history_windows, 16, 65_536),
            ("history_min", self.history_min, 16, self.history_windows),
        ];
        for (key, value, least, most) in sizes {
            problems.require((least..=most).contains(&value), &format!("learn.{key}"), || {
                format!("{value} is outside {least} to {most}")
            });
        }
        problems.require(
            (1..=16).contains(&self.dilations.len())
                && self.dilations.iter().all(|d| (1..=64).contains(d)),
            "learn.dilations",
            || format!("{:?} should be up to 16 numbers from 1 to 64", self.dilations),
        );
        problems.require(
            self.context != ContextNet::Recurrent || self.width.is_multiple_of(2),
            "learn.width",
            || format!("{} should be even where learn.context is \"recurrent\"", self.width),
        );
        problems
            .require(1 <= self.guard_every, "learn.guard_every", || "must be at least 1".into());
        problems.require(1 <= self.guard_patience, "learn.guard_patience", || {
            "must be at least 1".into()
        });
    }

    fn check_ranges(&self, problems: &mut Problems) {
        let ranges = [
            ("mask_share", self.mask_share, 0.0, 0.9),
            ("mask_extra", self.mask_extra, 0.0, 0.9),
            ("view_drop", self.view_drop, 0.0, 0.9),
            ("view_noise", self.view_noise, 0.0, 2.0),
            ("variance_beta", self.variance_beta, 0.0, 1.0),
            ("whiten_ridge", self.whiten_ridge, 1e-6, 1.0),
            ("whiten_clamp", self.whiten_clamp, 1.0, 1e3),
            ("adapter_kappa", self.adapter_kappa, 0.0, 0.99),
            ("rate", self.rate, 1e-7, 1.0),
            ("beta1", self.beta1, 0.0, 0.999),
            ("beta2", self.beta2, 0.5, 0.9999),
            ("clip", self.clip, 1e-3, 1e6),
            ("decay", self.decay, 0.0, 10.0),
            ("averaging", self.averaging, 0.0, 0.9999),
            ("first_updates_per_window", self.first_updates_per_window, 0.0, 16.0),
            ("updates_per_window", self.updates_per_window, 0.0, 16.0),
            ("surprise_top", self.surprise_top, 1e-3, 1.0),
            ("level_share", self.level_share, 0.0, 1.0),
            ("surprise_weight", self.surprise_weight, 0.0, 100.0),
            ("density_weight", self.density_weight, 0.0, 100.0),
            ("duplicate_cosine", self.duplicate_cosine, 0.0, 1.0),
            ("quarantine_p", self.quarantine_p, 0.0, 0.5),
            ("guard_margin", self.guard_margin, 0.0, 10.0),
        ];
        for (key, value, least, most) in ranges {
            // Written so that NaN is outside.
            problems.require((least..=most).contains(&value), &format!("learn.{key}"), || {
                format!("{value} is outside {least} to {most}")
            });
        }
        let times = [
            ("side_every_s", self.side_every_s, 0.0, 86_400.0),
            ("warm_up_s", self.warm_up_s, 0.0, 1e9),
            ("level_s", self.level_s, 0.0, 1e9),
            ("holdout_block_s", self.holdout_block_s, 0.1, 86_400.0),
            ("alarms_per_day", self.alarms_per_day, 1e-3, 1e5),
            ("cooldown_s", self.cooldown_s, 0.0, 86_400.0),
            ("accept_after_s", self.accept_after_s, 1.0, 1e9),
        ];
        for (key, value, least, most) in times {
            problems.require((least..=most).contains(&value), &format!("learn.{key}"), || {
                format!("{value} is outside {least} to {most}")
            });
        }
        problems.require(
            0.0 < self.surprise_weight + self.density_weight,
            "learn.surprise_weight",
            || "it and learn.density_weight are both 0, so nothing would ever be unusual".into(),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<LearnSettings, String> {
        let raw: LearnToml = toml::from_str(text).map_err(|e| e.to_string())?;
        raw.check().map_err(|problems| problems.to_string())
    }

    #[test]
    fn an_empty_table_is_valid_and_is_the_default() {
        assert_eq!(check("").unwrap(), LearnSettings::default());
    }

    #[test]
    fn all_problems_are_shown_at_once() {
        let text = "rate = -1.0\nwidth = 0\nhorizons = []\naccept_after_s = nan\n\
                    masked_prediction = 0.0\npredictive_coding = 0.0\nsurprise = 'likelihood'";
        let shown = check(text).unwrap_err();
        assert_eq!(shown.lines().count(), 6, "{shown}");
        for key in ["rate: -1 ", "width: 0 ", "horizons: []", "accept_after_s: NaN", "surprise: "] {
            assert!(shown.contains(&format!("learn.{key}")), "{key:?} missing in:\n{shown}");
        }
    }

    #[test]
    fn the_old_name_of_the_budget_is_still_understood() {
        assert!((check("events_per_day = 3.0").unwrap().alarms_per_day - 3.0).abs() < 1e-9);
        let both = check("events_per_day = 3.0\nalarms_per_day = 3.0").unwrap_err();
        assert!(both.contains("alarms_per_day"), "{both}");
    }

    #[test]
    fn a_misspelt_key_is_an_error() {
        let shown = check("learning_rat = 0.1").unwrap_err();
        assert!(shown.contains("learning_rat"), "{shown}");
    }
}
