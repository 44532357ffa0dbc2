//! The order of terms, and where slices end.

use std::collections::{BTreeMap, BTreeSet};

use super::{Cut, Named, Task};

/// What a column that one term reads costs.
const COST: i64 = 1 << 20;

/// Puts tasks in order.
pub(super) struct Order<'t> {
    tasks: &'t [Task],
    /// Tasks to come.
    open: BTreeSet<usize>,
    /// For each column the number of tasks to come that read it.
    uses: BTreeMap<Named, usize>,
    /// For each accumulator the number of tasks to come that add to it.
    incomplete: Vec<usize>,
    loaded: BTreeSet<Named>,
    /// For each accumulator the number of tasks to come that read it.
    readers: Vec<usize>,
    /// Accumulators that a task was added to.
    begun: BTreeSet<usize>,
    cut: Cut,
}

impl<'t> Order<'t> {
    pub(super) fn new(tasks: &'t [Task], accumulators: usize, cut: Cut) -> Self {
        let (mut uses, mut incomplete) = (BTreeMap::new(), vec![0; accumulators]);
        let mut readers = vec![0; accumulators];
        for task in tasks {
            task.columns.iter().for_each(|column| *uses.entry(*column).or_default() += 1);
            task.adds.iter().for_each(|(accumulator, _)| incomplete[*accumulator] += 1);
            task.needs.iter().for_each(|accumulator| readers[*accumulator] += 1);
        }
        let open = (0..tasks.len()).collect();
        let (loaded, begun) = (BTreeSet::new(), BTreeSet::new());
        Self { tasks, open, uses, incomplete, loaded, readers, begun, cut }
    }

    /// The tasks of each slice.
    pub(super) fn slices(mut self) -> Vec<Vec<usize>> {
        // A column for each thread at least.
        let load = self.cut.load.max(rayon::current_num_threads());
        let mut slices = Vec::new();
        while !self.open.is_empty() {
            let slice = self.slice(load);
            assert!(!slice.is_empty(), "accumulators depend on earlier ones");
            slices.push(slice);
        }
        slices
    }

    fn slice(&mut self, load: usize) -> Vec<usize> {
        // Accumulators that are complete now are so in the whole slice.
        let complete: Vec<bool> = self.incomplete.iter().map(|count| *count == 0).collect();
        let mut ready: BTreeSet<usize> = self.open.clone();
        ready.retain(|task| self.tasks[*task].needs.iter().all(|need| complete[*need]));
        let (mut slice, mut new) = (Vec::new(), 0);
        while let Some(task) = ready.iter().copied().min_by_key(|task| self.cost(*task)) {
            let loads = self.tasks[task].columns.difference(&self.loaded).count();
            if new > 0 && new + loads > load {
                break;
            }
            new += loads;
            self.take(task);
            ready.remove(&task);
            slice.push(task);
        }
        let uses = &self.uses;
        self.loaded.retain(|column| uses[column] > 0);
        slice
    }

    /// What the columns cost that a task reads and that are not there, less as many halves of that as
    /// the cut says for those that are: they can go the sooner. If the cut says so, there counts far more how
    /// many columns and accumulators come with the task, and how many go after it.
    fn cost(&self, task: usize) -> i64 {
        let of = |column: &Named| {
            let cost = COST / self.uses[column] as i64;
            if self.loaded.contains(column) { -self.cut.there * cost / 2 } else { cost }
        };
        let Task { columns, adds, needs, .. } = &self.tasks[task];
        let cost: i64 = columns.iter().map(of).sum();
        if !self.cut.counts {
            return cost;
        }
        let new = columns.iter().filter(|column| !self.loaded.contains(column)).count()
            + adds.iter().filter(|(accumulator, _)| !self.begun.contains(accumulator)).count();
        let last = columns.iter().filter(|column| self.uses[column] == 1).count()
            + needs.iter().filter(|accumulator| self.readers[**accumulator] == 1).count();
        // What goes counts for more: one that comes may be needed sooner or later anyway.
        cost + COST * (10 * new as i64 - 15 * last as i64)
    }

    fn take(&mut self, task: usize) {
        let Task { columns, adds, needs, .. } = &self.tasks[task];
        for column in columns {
            *self.uses.entry(*column).or_default() -= 1;
        }
        self.loaded.extend(columns);
        for (accumulator, _) in adds {
            self.incomplete[*accumulator] -= 1;
            self.begun.insert(*accumulator);
        }
        needs.iter().for_each(|accumulator| self.readers[*accumulator] -= 1);
        self.open.remove(&task);
    }
}
