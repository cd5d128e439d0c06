//! What is asked, as flags.

use clap::Args;
use tiltmeter::tally::WindowBy;
use tiltmeter::{
    AnyStatistic, Attention, Baseline, ClusterBy, Correction, Denominator, GroupBy, MultiLabel,
    Pairs, Question, Unit,
};

use crate::baseline::{BaselineArgs, KindArgs};
use crate::failure::Failure;
use crate::roles::RoleArgs;

/// Of which arm and topics, and how impressions count.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Question")]
pub(crate) struct SubjectArgs {
    /// The arm under test.
    #[arg(long, value_name = "ARM")]
    treatment: Option<String>,
    /// A topic to estimate; all of the log's by default.
    #[arg(long, value_name = "TOPIC")]
    only: Vec<String>,
    /// uniform (the default), logarithmic, reciprocal, rbp:PERSISTENCE, geometric:RATIO, top_k:K or cascade.
    #[arg(long, value_name = "MODEL")]
    pub(crate) attention: Option<Attention>,
    /// What the denominator holds: all_impressions (the default) or tagged_impressions.
    #[arg(long, value_name = "WHICH")]
    denominator: Option<Denominator>,
}

/// The question, but for its clusters.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Question")]
pub(crate) struct QuestionArgs {
    #[command(flatten)]
    pub(crate) subject: SubjectArgs,
    /// A statistic; amplification_ratio by default.
    #[arg(long, value_name = "NAME")]
    statistic: Vec<AnyStatistic>,
    /// pooled (the default), cluster_mean, reach, reach:impressions=NUMBER, or within: each cluster compared with
    /// itself.
    #[arg(long, value_name = "UNIT")]
    unit: Option<Unit>,
    /// Compare each viewer with itself in both arms, as a regression with an effect of each viewer does: least squares
    /// for differences, Poisson for ratios. The same as --unit within where viewers are the clusters.
    #[arg(long, value_name = "WHOM", conflicts_with = "unit")]
    within: Option<WithinWhom>,
    /// Correct labels by those of --human: ppi (as far as predictions are worth it), dsl (every prediction counts),
    /// rogan_gladen (by how often they are right) or hand_alone.
    #[arg(long, value_name = "HOW")]
    correct: Option<Correction>,
}

/// Who is compared with itself.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum WithinWhom {
    Viewer,
}

/// The groups that are answered one by one.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Groups")]
pub(crate) struct GroupArgs {
    /// Answer for each value of a column by itself; said again, for each combination. p-values are adjusted
    /// over all groups and topics.
    #[arg(long, value_name = "COLUMN")]
    by: Vec<String>,
    /// Answer for each window of time by itself: day, week (from Monday, UTC), or every:seconds=NUMBER.
    #[arg(long, value_name = "LENGTH", requires = "time")]
    window: Option<WindowBy>,
    /// Compare every arm with every other; --treatment comes before all others, --baseline after them.
    #[arg(long)]
    pairs: bool,
}

impl GroupArgs {
    pub(crate) fn groups(&self) -> GroupBy {
        GroupBy {
            columns: self.by.clone(),
            windows: self.window.unwrap_or_default(),
            pairs: if self.pairs { Pairs::All } else { Pairs::Asked },
        }
    }
}

/// What belongs together.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Clusters and labels")]
pub(crate) struct ClusterArgs {
    /// The unit that was assigned or sampled independently: viewer (the default), session, slate, item
    /// where the flag of that name is given; else a column of that name; impression; hashed:BITS:UNIT;
    /// column:NAME for a column whatever its name. Twice for two-way clusters, in audits of logs.
    #[arg(long, value_name = "UNIT")]
    pub(crate) cluster: Vec<String>,
    /// How several topics share an impression: full (the default) or fractional.
    #[arg(long, value_name = "RULE")]
    pub(crate) multi_label: Option<MultiLabel>,
}

impl ClusterArgs {
    /// One or two units.
    pub(crate) fn units(
        &self,
        roles: &RoleArgs,
    ) -> Result<(ClusterBy, Option<ClusterBy>), Failure> {
        let mut units = Vec::new();
        for text in &self.cluster {
            units.push(
                roles
                    .unit(text)
                    .map_err(|what| Failure::Usage(format!("--cluster {text}: {what}")))?,
            );
        }
        match <[ClusterBy; 2]>::try_from(units) {
            Ok([first, second]) => {
                if let Some(name) = roles.one_column(&first, &second) {
                    return Err(Failure::Usage(format!(
                        "--cluster {} --cluster {}: both are the column {name:?}, which is one way \
                         of clustering, so say it once",
                        self.cluster[0], self.cluster[1]
                    )));
                }
                Ok((first, Some(second)))
            }
            Err(units) => match (units.len(), units.into_iter().next()) {
                (1, Some(unit)) => Ok((unit, None)),
                (0, _) if roles.viewer.is_some() => Ok((ClusterBy::Viewer, None)),
                (0, _) => Err(Failure::Usage(
                    "what was assigned or sampled independently? Say it with --cluster UNIT, or \
                     --viewer COLUMN if it was viewers"
                        .to_owned(),
                )),
                _ => Err(Failure::Usage(
                    "clusters go one way or two: --cluster may be given twice".to_owned(),
                )),
            },
        }
    }
}

impl SubjectArgs {
    /// The arm under test; all of a log without a column of arms, where nothing asks for another arm.
    pub(crate) fn treatment(
        &self,
        baseline: &Baseline,
        roles: Option<&RoleArgs>,
    ) -> Result<&str, Failure> {
        let is_whole =
            roles.is_some_and(|roles| roles.arm.is_none()) && !matches!(baseline, Baseline::Arm(_));
        match &self.treatment {
            Some(_) if is_whole => Err(Failure::Usage(
                "--treatment names an arm: say with --arm which column holds the arms".to_owned(),
            )),
            Some(arm) => Ok(arm),
            None if is_whole => Ok("the whole log"),
            None => Err(Failure::Usage(
                "which arm is under test? Say it with --treatment ARM".to_owned(),
            )),
        }
    }

    /// The question, of one arm unless there is a baseline.
    pub(crate) fn question(
        &self,
        baseline: Option<Baseline>,
        (cluster, second_cluster): (ClusterBy, Option<ClusterBy>),
        (labels, roles): (Option<MultiLabel>, Option<&RoleArgs>),
    ) -> Result<Question, Failure> {
        let against = baseline.as_ref().unwrap_or(&Baseline::Nothing);
        let mut question = Question::of_arm(self.treatment(against, roles)?).cluster(cluster);
        question.baseline = baseline;
        question.topics = self.only.clone().into();
        question.denominator = self.denominator.unwrap_or_default();
        question.attention = Some(self.attention.clone().unwrap_or_default());
        question.multi_label = Some(labels.unwrap_or_default());
        question.second_cluster = second_cluster;
        Ok(question)
    }
}

impl QuestionArgs {
    /// Whether all that is asked for are statistics of the treatment alone.
    pub(crate) fn is_of_one_arm(&self) -> bool {
        let mut question = Question::of_arm("");
        question.statistics.clone_from(&self.statistic);
        question.is_of_one_arm()
    }

    /// The question.
    pub(crate) fn question(
        &self,
        baseline: Baseline,
        units: (ClusterBy, Option<ClusterBy>),
        rows: (Option<MultiLabel>, Option<&RoleArgs>),
    ) -> Result<Question, Failure> {
        let unit = self.unit(&units.0)?;
        let mut question = self.subject.question(Some(baseline), units, rows)?;
        question.statistics = self.statistic.clone();
        question.unit = unit;
        question.correct = self.correct;
        Ok(question)
    }

    /// How clusters are put together.
    fn unit(&self, cluster: &ClusterBy) -> Result<Unit, Failure> {
        match (self.within, cluster) {
            (None, _) => Ok(self.unit.unwrap_or_default()),
            (Some(WithinWhom::Viewer), ClusterBy::Viewer) => Ok(Unit::Within),
            (Some(WithinWhom::Viewer), other) => Err(Failure::Usage(format!(
                "--within viewer compares viewers with themselves, and the clusters are by {other}: leave out --cluster, \
                 or say --unit within to compare those clusters with themselves"
            ))),
        }
    }

    /// The question of one arm against another or of a reference, about a tally.
    pub(crate) fn of_tally(
        &self,
        (kind, more): (&KindArgs, &BaselineArgs),
        tally: &tiltmeter::tally::TallySpec,
    ) -> Result<Question, Failure> {
        let nothing = || self.is_of_one_arm().then_some(Baseline::Nothing);
        let baseline = kind.alone(more)?.or_else(nothing).ok_or_else(|| {
            Failure::Usage("compared with what? --baseline ARM or --reference".to_owned())
        })?;
        more.refuse_unused(&baseline)?;
        let units = (tally.cluster.clone(), None);
        let mut question = self.question(baseline, units, (Some(tally.multi_label), None))?;
        question.strata = Some(tally.strata.clone());
        let attention = self.subject.attention.clone();
        question.attention = attention.or_else(|| tally.attentions.first().cloned());
        Ok(question)
    }
}
