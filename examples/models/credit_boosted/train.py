"""Loan applications: 30 boosted trees of depth 3."""

import sys
from pathlib import Path

from sklearn.ensemble import GradientBoostingClassifier

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from credit import write_example

boosted = GradientBoostingClassifier(n_estimators=30, max_depth=3, learning_rate=0.3, random_state=3)
write_example(__file__, boosted, seed=21, accuracy=0.86)
