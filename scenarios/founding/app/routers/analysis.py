"""Groups texts that are alike."""

import numpy as np
import pandas as pd
from fastapi import APIRouter
from sklearn.cluster import KMeans
from sklearn.feature_extraction.text import TfidfVectorizer

router = APIRouter()


@router.post("/groups")
def groups(texts: list[str], count: int = 2) -> dict[str, list[int]]:
    frame = pd.DataFrame({"text": texts})
    vectors = TfidfVectorizer().fit_transform(frame["text"])
    count = int(np.clip(count, 1, len(texts)))
    frame["group"] = KMeans(n_clusters=count, n_init=3, random_state=0).fit_predict(vectors)
    return {"groups": frame["group"].tolist()}
