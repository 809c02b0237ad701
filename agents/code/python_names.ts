/**
 * What Python calls things: modules of the standard library, modules that it dropped, and the distributions
 * whose import name differs from their own. Sources: the library indexes of CPython 3.8 to 3.14 and the
 * `top_level` metadata of the distributions.
 */
const STANDARD = new Set(
  ("__future__ __main__ _thread abc argparse array ast asyncio atexit base64 bdb binascii bisect builtins bz2 calendar cmath cmd " +
    "code codecs codeop collections colorsys compileall concurrent configparser contextlib contextvars copy copyreg cProfile csv " +
    "ctypes curses dataclasses datetime dbm decimal difflib dis doctest email encodings ensurepip enum errno faulthandler fcntl " +
    "filecmp fileinput fnmatch fractions ftplib functools gc getopt getpass gettext glob graphlib grp gzip hashlib heapq hmac html " +
    "http idlelib imaplib importlib inspect io ipaddress itertools json keyword linecache locale logging lzma mailbox marshal math " +
    "mimetypes mmap modulefinder multiprocessing netrc ntpath numbers operator optparse os pathlib pdb pickle pickletools pkgutil " +
    "platform plistlib poplib posix posixpath pprint profile pstats pty pwd py_compile pyclbr pydoc queue quopri random re readline " +
    "reprlib resource rlcompleter runpy sched secrets select selectors shelve shlex shutil signal site smtplib socket socketserver " +
    "sqlite3 ssl stat statistics string stringprep struct subprocess symtable sys sysconfig syslog tabnanny tarfile tempfile termios " +
    "test textwrap threading time timeit tkinter token tokenize tomllib trace traceback tracemalloc tty turtle types typing " +
    "unicodedata unittest urllib uuid venv warnings wave weakref webbrowser winreg wsgiref xml xmlrpc zipapp zipfile zipimport zlib " +
    "zoneinfo").split(" "),
);

/** Standard modules that a version dropped: module to the first version without it. */
const DROPPED: Readonly<Record<string, string>> = {
  distutils: "3.12",
  imp: "3.12",
  asynchat: "3.12",
  asyncore: "3.12",
  smtpd: "3.12",
  aifc: "3.13",
  audioop: "3.13",
  cgi: "3.13",
  cgitb: "3.13",
  chunk: "3.13",
  crypt: "3.13",
  imghdr: "3.13",
  lib2to3: "3.13",
  mailcap: "3.13",
  msilib: "3.13",
  nis: "3.13",
  nntplib: "3.13",
  ossaudiodev: "3.13",
  pipes: "3.13",
  sndhdr: "3.13",
  spwd: "3.13",
  sunau: "3.13",
  telnetlib: "3.13",
  uu: "3.13",
  xdrlib: "3.13",
};

/** Import name (longest prefix wins) to distribution, where they differ by more than dashes. */
const DISTRIBUTIONS: Readonly<Record<string, string>> = {
  "apscheduler": "APScheduler",
  "attr": "attrs",
  "azure.identity": "azure-identity",
  "azure.storage.blob": "azure-storage-blob",
  "bs4": "beautifulsoup4",
  "claude_agent_sdk": "claude-agent-sdk",
  "Crypto": "pycryptodome",
  "Cryptodome": "pycryptodomex",
  "cv2": "opencv-python-headless",
  "dateutil": "python-dateutil",
  "decouple": "python-decouple",
  "discord": "discord.py",
  "django_filters": "django-filter",
  "docx": "python-docx",
  "dotenv": "python-dotenv",
  "dj_database_url": "dj-database-url",
  "dns": "dnspython",
  "environ": "django-environ",
  "faiss": "faiss-cpu",
  "flask_bcrypt": "Flask-Bcrypt",
  "flask_jwt_extended": "Flask-JWT-Extended",
  "flask_limiter": "Flask-Limiter",
  "flask_mail": "Flask-Mail",
  "flask_restful": "Flask-RESTful",
  "flask_restx": "flask-restx",
  "flask_socketio": "Flask-SocketIO",
  "flask_wtf": "Flask-WTF",
  "fitz": "PyMuPDF",
  "flask_cors": "Flask-Cors",
  "flask_login": "Flask-Login",
  "flask_migrate": "Flask-Migrate",
  "flask_sqlalchemy": "Flask-SQLAlchemy",
  "git": "GitPython",
  "github": "PyGithub",
  "gi": "PyGObject",
  "google.cloud.pubsub_v1": "google-cloud-pubsub",
  "google.cloud.secretmanager": "google-cloud-secret-manager",
  "google.cloud.vision": "google-cloud-vision",
  "google_auth_oauthlib": "google-auth-oauthlib",
  "grpc": "grpcio",
  "google.cloud.storage": "google-cloud-storage",
  "google.cloud.firestore": "google-cloud-firestore",
  "google.cloud.bigquery": "google-cloud-bigquery",
  "google.generativeai": "google-generativeai",
  "google.genai": "google-genai",
  "google.oauth2": "google-auth",
  "google.auth": "google-auth",
  "google.protobuf": "protobuf",
  "googleapiclient": "google-api-python-client",
  "jose": "python-jose",
  "jwt": "PyJWT",
  "kafka": "kafka-python",
  "ldap": "python-ldap",
  "magic": "python-magic",
  "memcache": "python-memcached",
  "markdown": "Markdown",
  "mpl_toolkits": "matplotlib",
  "multipart": "python-multipart",
  "mysql.connector": "mysql-connector-python",
  "nacl": "PyNaCl",
  "MySQLdb": "mysqlclient",
  "OpenSSL": "pyOpenSSL",
  "opentelemetry.sdk": "opentelemetry-sdk",
  "opentelemetry": "opentelemetry-api",
  "paho": "paho-mqtt",
  "PIL": "Pillow",
  "pptx": "python-pptx",
  "pkg_resources": "setuptools",
  "playhouse": "peewee",
  "psycopg2": "psycopg2-binary",
  "pydantic_settings": "pydantic-settings",
  "pymysql": "PyMySQL",
  "pythonjsonlogger": "python-json-logger",
  "ruamel.yaml": "ruamel.yaml",
  "rest_framework": "djangorestframework",
  "rest_framework_simplejwt": "djangorestframework-simplejwt",
  "corsheaders": "django-cors-headers",
  "debug_toolbar": "django-debug-toolbar",
  "crispy_forms": "django-crispy-forms",
  "storages": "django-storages",
  "allauth": "django-allauth",
  "sentry_sdk": "sentry-sdk",
  "serial": "pyserial",
  "skimage": "scikit-image",
  "sklearn": "scikit-learn",
  "slack_sdk": "slack-sdk",
  "slugify": "python-slugify",
  "snowflake.connector": "snowflake-connector-python",
  "speech_recognition": "SpeechRecognition",
  "socketio": "python-socketio",
  "engineio": "python-engineio",
  "telegram": "python-telegram-bot",
  "telebot": "pyTelegramBotAPI",
  "typing_extensions": "typing-extensions",
  "usb": "pyusb",
  "websocket": "websocket-client",
  "widget_tweaks": "django-widget-tweaks",
  "yaml": "PyYAML",
  "youtube_transcript_api": "youtube-transcript-api",
  "Xlib": "python-xlib",
  "yt_dlp": "yt-dlp",
  "zmq": "pyzmq",
};

/** Programs that serve a Python application, and the distribution each comes from. */
export const PYTHON_SERVERS: Readonly<Record<string, string>> = {
  "gunicorn": "gunicorn",
  "uvicorn": "uvicorn",
  "hypercorn": "hypercorn",
  "daphne": "daphne",
  "waitress-serve": "waitress",
  "uwsgi": "uWSGI",
  "flask": "Flask",
  "streamlit": "streamlit",
  "celery": "celery",
  "fastapi": "fastapi-cli",
  "granian": "granian",
};

export function isStandardModule(module: string): boolean {
  return STANDARD.has(topLevel(module));
}

/** The first Python version without this module of the standard library, if it was dropped. */
export function droppedIn(module: string): string | undefined {
  const top = topLevel(module);
  return Object.hasOwn(DROPPED, top) ? DROPPED[top] : undefined;
}

/**
 * The distribution that holds a module. `isKnown` is false where the name is only assumed to be the module's.
 */
export function distributionOf(module: string): { name: string; isKnown: boolean } {
  const parts = module.split(".");
  for (let length = parts.length; length > 0; length--) {
    const prefix = parts.slice(0, length).join(".");
    const name = Object.hasOwn(DISTRIBUTIONS, prefix) ? DISTRIBUTIONS[prefix] : undefined;
    if (name !== undefined) return { name, isKnown: true };
  }
  return { name: topLevel(module).replaceAll("_", "-"), isKnown: false };
}

export function topLevel(module: string): string {
  return module.split(".", 1)[0] ?? module;
}
