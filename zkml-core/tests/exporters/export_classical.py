"""scikit-learn, XGBoost and LightGBM by skl2onnx and onnxmltools, with the batch axis left open."""

import warnings

import lightgbm
import numpy as np
import onnxmltools
import xgboost
from onnxmltools.convert.common.data_types import FloatTensorType as ToolsFloat
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.cluster import KMeans
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, Normalizer, StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor



def scaled_by_columns(data):
    """Features of size 1: all elements of an input have one scale, also what is of size 1000 beside 0.001."""
    x, y = data
    return x / abs(x).max(0), y


IRIS, RAW, DIABETES = (load(return_X_y=True) for load in (load_iris, load_breast_cancer, load_diabetes))
WINE, CANCER = scaled_by_columns(load_wine(return_X_y=True)), scaled_by_columns(RAW)


def estimators():
    """`(name, estimator, data)`; those of name `..._zipmap` keep skl2onnx's sequence of maps."""
    seed = {"random_state": 0}
    scaled = lambda model: make_pipeline(StandardScaler(), model)
    forest = {"n_estimators": 5, "max_depth": 4} | seed
    boost = {"n_estimators": 6, "max_depth": 2} | seed
    return [
        ("logistic", LogisticRegression(max_iter=1000), IRIS),
        ("logistic_zipmap", LogisticRegression(max_iter=1000), IRIS),
        ("logistic_binary", scaled(LogisticRegression()), CANCER),
        ("logistic_strings", LogisticRegression(max_iter=1000), (IRIS[0], np.array(list("abc"))[IRIS[1]])),
        ("scaled_logistic_zipmap", scaled(LogisticRegression()), WINE),
        ("minmax_logistic", make_pipeline(MinMaxScaler(), LogisticRegression()), WINE),
        ("normalizer_logistic", make_pipeline(Normalizer(), LogisticRegression(C=100)), IRIS),
        ("imputer_logistic", make_pipeline(SimpleImputer(), LogisticRegression(max_iter=1000)), IRIS),
        ("ridge", Ridge(), DIABETES),
        ("scaled_ridge", scaled(Ridge()), DIABETES),
        ("tree", DecisionTreeClassifier(max_depth=4, **seed), IRIS),
        ("tree_zipmap", DecisionTreeClassifier(max_depth=4, **seed), IRIS),
        ("tree_regressor", DecisionTreeRegressor(max_depth=4, **seed), DIABETES),
        ("forest", RandomForestClassifier(**forest), IRIS),
        ("forest_zipmap", RandomForestClassifier(**forest), IRIS),
        ("forest_binary", RandomForestClassifier(**forest), CANCER),
        ("forest_raw", RandomForestClassifier(**forest), RAW),
        ("forest_regressor", RandomForestRegressor(**forest), DIABETES),
        ("extra_trees", ExtraTreesClassifier(**forest), WINE),
        ("boosting", GradientBoostingClassifier(**boost), IRIS),
        ("boosting_binary", GradientBoostingClassifier(**boost), CANCER),
        ("boosting_regressor", GradientBoostingRegressor(**boost), DIABETES),
        ("svc", scaled(SVC()), IRIS),
        ("svc_linear", scaled(SVC(kernel="linear")), IRIS),
        ("svc_binary", scaled(SVC(C=2)), (IRIS[0][:100, :2], IRIS[1][:100])),
        ("svc_probability", scaled(SVC(probability=True, **seed)), IRIS),
        ("svr", scaled(SVR(C=50, epsilon=20)), DIABETES),
        ("mlp_classifier", scaled(MLPClassifier(hidden_layer_sizes=(8,), max_iter=2000, **seed)), IRIS),
        ("mlp_classifier_zipmap", scaled(MLPClassifier(hidden_layer_sizes=(8,), max_iter=2000, **seed)), IRIS),
        ("mlp_regressor", scaled(MLPRegressor(hidden_layer_sizes=(8,), max_iter=2000, **seed)), DIABETES),
        ("sgd", scaled(SGDClassifier(loss="log_loss", **seed)), IRIS),
        ("sgd_hinge", scaled(SGDClassifier(**seed)), IRIS),
        ("kmeans", KMeans(3, n_init=4, **seed), IRIS),
        ("naive_bayes", GaussianNB(), IRIS),
    ]


def boosted():
    """`(name, model, data)` of the two libraries of boosted trees."""
    xgb = {"n_estimators": 6, "max_depth": 3, "random_state": 0}
    gbm = {"n_estimators": 6, "num_leaves": 6, "min_child_samples": 8, "random_state": 0, "verbose": -1}
    return [
        ("xgboost", xgboost.XGBClassifier(**xgb), IRIS),
        ("xgboost_binary", xgboost.XGBClassifier(**xgb), CANCER),
        ("xgboost_regressor", xgboost.XGBRegressor(**xgb), DIABETES),
        ("lightgbm", lightgbm.LGBMClassifier(**gbm), IRIS),
        ("lightgbm_zipmap", lightgbm.LGBMClassifier(**gbm), IRIS),
        ("lightgbm_binary", lightgbm.LGBMClassifier(**gbm), CANCER),
        ("lightgbm_regressor", lightgbm.LGBMRegressor(**gbm), DIABETES),
    ]


def no_zipmap(model, name):
    last = model[-1] if hasattr(model, "steps") else model
    is_classifier = hasattr(last, "classes_")
    return {id(last): {"zipmap": False}} if is_classifier and not name.endswith("zipmap") else None


def models(folder_of):
    """Yields `(name, inputs)` as `export_torch.models`."""
    warnings.simplefilter("ignore")
    for name, model, (x, y) in estimators() + boosted():
        x = x.astype(np.float32)
        model.fit(x, y)
        width = x.shape[1]
        if isinstance(model, xgboost.XGBModel):
            proto = onnxmltools.convert_xgboost(model, initial_types=[("x", ToolsFloat([None, width]))])
        elif isinstance(model, lightgbm.LGBMModel):
            types = {"initial_types": [("x", ToolsFloat([None, width]))]}
            if not name.endswith("regressor"):
                types["zipmap"] = name.endswith("zipmap")
            proto = onnxmltools.convert_lightgbm(model, **types)
        else:
            types = [("x", FloatTensorType([None, width]))]
            proto = to_onnx(model, initial_types=types, options=no_zipmap(model, name))
        path = folder_of(name) / "model.onnx"
        path.write_bytes(proto.SerializeToString())
        yield name, {"x": x[:: len(x) // 4][:4, None]}
