"""Loan applications: a random forest of 24 trees."""

import sys
from pathlib import Path

from sklearn.ensemble import RandomForestClassifier

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from credit import write_example

forest = RandomForestClassifier(n_estimators=24, max_depth=5, min_samples_leaf=10, random_state=3)
write_example(__file__, forest, seed=21, accuracy=0.84)
