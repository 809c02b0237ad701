/**
 * Scientific distributions whose wheels are tens to hundreds of megabytes and whose sources take minutes and
 * gigabytes to build, with the modules they install and, where there is one, a smaller distribution with the same
 * modules. Sources: the distributions' own file lists.
 */
export interface HeavyDistribution {
  modules: readonly string[];
  /** Installs the same modules with less beside them. */
  smaller?: string;
}

const one = (module: string): HeavyDistribution => ({ modules: [module] });

export const HEAVY: Readonly<Record<string, HeavyDistribution>> = {
  "catboost": one("catboost"),
  "dask": one("dask"),
  "datasets": one("datasets"),
  "faiss-cpu": one("faiss"),
  "gensim": one("gensim"),
  "geopandas": one("geopandas"),
  "h5py": one("h5py"),
  "jax": one("jax"),
  "jaxlib": one("jaxlib"),
  "keras": one("keras"),
  "librosa": one("librosa"),
  "lightgbm": one("lightgbm"),
  "llvmlite": one("llvmlite"),
  "matplotlib": { modules: ["matplotlib", "pylab", "mpl_toolkits"] },
  "nltk": one("nltk"),
  "numba": one("numba"),
  "numpy": one("numpy"),
  "onnxruntime": one("onnxruntime"),
  "onnxruntime-gpu": { modules: ["onnxruntime"], smaller: "onnxruntime" },
  "opencv-contrib-python": { modules: ["cv2"], smaller: "opencv-contrib-python-headless" },
  "opencv-contrib-python-headless": one("cv2"),
  "opencv-python": { modules: ["cv2"], smaller: "opencv-python-headless" },
  "opencv-python-headless": one("cv2"),
  "pandas": one("pandas"),
  "polars": one("polars"),
  "prophet": one("prophet"),
  "pyarrow": one("pyarrow"),
  "pyspark": one("pyspark"),
  "scikit-image": one("skimage"),
  "scikit-learn": one("sklearn"),
  "scipy": one("scipy"),
  "seaborn": one("seaborn"),
  "sentence-transformers": one("sentence_transformers"),
  "spacy": one("spacy"),
  "statsmodels": one("statsmodels"),
  "tables": one("tables"),
  "tensorflow": { modules: ["tensorflow"], smaller: "tensorflow-cpu" },
  "tensorflow-cpu": one("tensorflow"),
  "torch": { modules: ["torch", "functorch", "torchgen"] },
  "torchaudio": one("torchaudio"),
  "torchvision": one("torchvision"),
  "transformers": one("transformers"),
  "xgboost": one("xgboost"),
};

/** @param name normal name, see `normalName` */
export function heavyDistribution(name: string): HeavyDistribution | undefined {
  return Object.hasOwn(HEAVY, name) ? HEAVY[name] : undefined;
}
