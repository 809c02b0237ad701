/**
 * Which distribution holds a module, for modules of which that is certain: by the map of import names, or because the
 * distribution is well known and has the module's own name. A name that is only likely is none: whoever registers it
 * on an index would be installed.
 */
import { HEAVY } from "./heavy_python.ts";
import { distributionOf, topLevel } from "./python_names.ts";
import { normalName } from "./requirements.ts";

/** Well-known distributions with one module, of the same name but for dashes. Source: their file lists. */
const SAME_NAME = new Set(
  ("aioboto3 aiobotocore aiofiles aiogram aiohttp aiomysql aiopg aioredis aiosmtplib aiosqlite alembic altair annotated_types anthropic " +
    "anyio appdirs arrow asgiref async_timeout asyncpg authlib babel backoff bcrypt black blinker bleach bokeh boto3 botocore " +
    "bottle cachetools catboost celery certifi cffi chardet charset_normalizer cherrypy chromadb click cohere colorama coloredlogs " +
    "croniter cryptography cssselect dash dask databases dataclasses_json datasets deepdiff dill django docker dramatiq duckdb " +
    "elasticsearch email_validator et_xmlfile ezdxf faker falcon fastapi feedparser filelock flask folium fsspec gensim geopandas geopy " +
    "gevent gradio graphene groq gspread gunicorn h11 h2 h5py hiredis html5lib httptools httpx huggingface_hub humanize " +
    "hupper hypercorn idna imageio inflect instructor itsdangerous jax jinja2 jmespath joblib jsonpatch jsonpath_ng jsonschema " +
    "keras kombu langchain langchain_community langchain_core langchain_openai langgraph librosa lightgbm litellm llvmlite loguru lxml " +
    "mako mangum marko markupsafe marshmallow matplotlib mistralai mistune mongoengine more_itertools motor msgpack multidict mypy " +
    "natsort nbformat networkx nltk numba numexpr numpy oauthlib ollama openai openpyxl orjson packaging pandas " +
    "paramiko passlib patsy peewee pendulum pexpect phonenumbers pika pinecone platformdirs playwright plotly polars pony " +
    "prometheus_client prompt_toolkit prophet psutil pyarrow pycountry pydantic pydantic_settings pydub pyfiglet " +
    "pygments pymongo pymysql pyotp pyparsing pypdf pypika pyproj pyramid pyspark pytest pytz quart qrcode ratelimit redis regex replicate " +
    "reportlab requests requests_cache requests_oauthlib requests_toolbelt responses rich rq rsa s3fs sanic schedule scipy scrapy seaborn " +
    "selenium selectolax sendgrid sentence_transformers shapely shortuuid simplejson six slowapi sniffio sortedcontainers spacy " +
    "sqlalchemy sqlmodel sse_starlette starlette statsmodels streamlit stripe structlog sympy tabulate tenacity tensorflow termcolor " +
    "textblob tiktoken tinydb together tokenizers toml tomli torch torchvision tornado toolz tqdm transformers tweepy twilio typer " +
    "typing_extensions tzlocal ujson unidecode urllib3 uvicorn uvloop validators waitress watchdog watchfiles websockets werkzeug " +
    "whitenoise wikipedia wtforms xgboost xlrd xlsxwriter xmltodict yarl yfinance zeep").split(" "),
);

/** Folders that many distributions share: only what the map names below them is certain. */
const SHARED = new Set([
  "google",
  "azure",
  "mysql",
  "snowflake",
  "ruamel",
  "backports",
  "zope",
  "sphinxcontrib",
]);

/** Several distributions that are not one another's build have this module, or it needs what pip does not bring. */
const UNSURE = new Set(
  ("MySQLdb psycopg discord environ gi ldap magic memcache opentelemetry pkg_resources setuptools slugify serial usb kafka telegram")
    .split(" "),
);

/** Other distributions that have a module: with one of them it is there. */
const OTHERS: Readonly<Record<string, readonly string[]>> = {
  "Crypto": ["pycrypto"],
  "PIL": ["pillow-simd"],
  "attr": ["attr"],
  "cv2": [
    "opencv-python",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
    "opencv-python-headless",
  ],
  "docx": ["docx"],
  "dotenv": ["dotenv"],
  "faiss": ["faiss-gpu"],
  "fitz": ["pymupdfb", "fitz"],
  "jwt": ["jwt"],
  "psycopg2": ["psycopg2"],
  "sklearn": ["sklearn"],
  "tensorflow": ["tensorflow-cpu", "tensorflow-gpu", "tensorflow-intel", "tensorflow-macos"],
};

/**
 * The distribution to install for what one statement imports; `null` where that is not certain.
 * @param modules dotted, of one top-level module, such as `google.cloud` and `google.cloud.storage`
 */
export function sureDistributionOf(modules: readonly string[]): string | null {
  const top = topLevel(modules[0] ?? "");
  if (UNSURE.has(top)) return null;
  const known = modules.toSorted((a, b) => b.length - a.length).map(distributionOf).find(({ isKnown }) =>
    isKnown
  );
  if (SHARED.has(top)) return known?.name ?? null;
  if (known !== undefined) return known.name;
  return SAME_NAME.has(top) ? top.replaceAll("_", "-") : null;
}

/** Whether one of these distributions has a module. @param names normal names */
export function isProvidedBy(module: string, distribution: string, names: ReadonlySet<string>): boolean {
  const top = topLevel(module);
  const others = Object.hasOwn(OTHERS, top) ? OTHERS[top]! : [];
  return names.has(normalName(distribution)) || names.has(normalName(top)) ||
    others.some((name) => names.has(name)) ||
    Object.entries(HEAVY).some(([name, { modules }]) => names.has(name) && modules.includes(top));
}
