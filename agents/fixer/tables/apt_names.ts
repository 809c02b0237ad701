/**
 * Names of Debian and Ubuntu packages that changed, with the release from which the old name is gone. Facts of
 * the distributions' archives; a name that is not here is not guessed.
 */
export interface Renamed {
  to: string;
  /** First Debian release without the old name. @default any */
  debian?: number;
  /** First Ubuntu release without it. @default any; 99 for never */
  ubuntu?: number;
}

const both = (to: string, debian: number, ubuntu: number): Renamed => ({ to, debian, ubuntu });
const debianOnly = (to: string, debian = 0): Renamed => ({ to, debian, ubuntu: 99 });
const always = (to: string): Renamed => ({ to });

export const APT_NAMES: Readonly<Record<string, Renamed>> = {
  "python-software-properties": both("software-properties-common", 8, 12.1),
  "python3-software-properties": debianOnly("software-properties-common", 0),
  "python": both("python3", 11, 20.04),
  "python-pip": both("python3-pip", 11, 20.04),
  "python-pip-whl": both("python3-pip", 11, 20.04),
  "python-imaging": both("python3-pil", 9, 18.04),
  "python-pil": both("python3-pil", 11, 20.04),
  "python-virtualenv": both("python3-virtualenv", 11, 20.04),
  "python-qt4": both("python3-pyqt5", 10, 20.04),
  "python-crypto": both("python3-pycryptodome", 11, 20.04),
  "python-mysqldb": both("python3-mysqldb", 11, 20.04),
  "python-setuptools": both("python3-setuptools", 12, 22.04),
  "python-dev": both("python3-dev", 12, 22.04),
  "python-all-dev": both("python3-all-dev", 12, 22.04),
  "python-minimal": both("python3-minimal", 11, 20.04),
  "libav-tools": both("ffmpeg", 9, 18.04),
  "mysql-client": debianOnly("default-mysql-client", 9),
  "mysql-server": debianOnly("default-mysql-server", 9),
  "libmysqlclient-dev": debianOnly("default-libmysqlclient-dev", 9),
  "libmysqlclient18": debianOnly("libmariadb3", 10),
  "libmariadbclient-dev": both("libmariadb-dev", 11, 20.04),
  "libmariadbclient-dev-compat": both("libmariadb-dev-compat", 11, 20.04),
  "libpng12-dev": both("libpng-dev", 9, 16.1),
  "libpng12-0": both("libpng16-16", 9, 16.1),
  "libjpeg62-dev": both("libjpeg-dev", 8, 99),
  "libjpeg8": debianOnly("libjpeg62-turbo"),
  "libjpeg8-dev": debianOnly("libjpeg62-turbo-dev"),
  "libjpeg-turbo8-dev": debianOnly("libjpeg62-turbo-dev"),
  "libjpeg-turbo8": debianOnly("libjpeg62-turbo"),
  "libtiff4-dev": both("libtiff-dev", 8, 14.04),
  "libtiff5-dev": both("libtiff-dev", 13, 99),
  "libreadline6-dev": both("libreadline-dev", 9, 18.04),
  "libssl1.0-dev": both("libssl-dev", 10, 20.04),
  "libgcrypt11-dev": both("libgcrypt20-dev", 9, 16.04),
  "libgnutls-dev": both("libgnutls28-dev", 9, 18.04),
  "libgsl0-dev": both("libgsl-dev", 10, 18.04),
  "libcurl3": both("libcurl4", 10, 18.1),
  "libgdal1-dev": both("libgdal-dev", 8, 16.04),
  "libhdf5-serial-dev": both("libhdf5-dev", 10, 99),
  "libxslt-dev": always("libxslt1-dev"),
  "libz-dev": always("zlib1g-dev"),
  "zlib-dev": always("zlib1g-dev"),
  "openssl-dev": always("libssl-dev"),
  "openssl-devel": always("libssl-dev"),
  "libffi-devel": always("libffi-dev"),
  "python3-devel": always("python3-dev"),
  "python-devel": always("python3-dev"),
  "gcc-c++": always("g++"),
  "build-base": always("build-essential"),
  "libjpeg-turbo-dev": debianOnly("libjpeg62-turbo-dev"),
  "ncurses-dev": both("libncurses-dev", 12, 22.04),
  "postgresql-dev": always("libpq-dev"),
  "mysql-dev": always("default-libmysqlclient-dev"),
  "git-core": both("git", 11, 99),
  "nodejs-legacy": both("nodejs", 9, 18.04),
  "rubygems": both("ruby", 8, 14.04),
  "rubygems1.9.1": both("ruby", 8, 14.04),
  "ruby1.9.1": both("ruby", 8, 16.04),
  "ruby1.9.1-dev": both("ruby-dev", 8, 16.04),
  "ruby1.9.3": both("ruby", 8, 16.04),
  "openjdk-6-jdk": both("default-jdk", 8, 16.04),
  "openjdk-6-jre": both("default-jre", 8, 16.04),
  "openjdk-6-jre-headless": both("default-jre-headless", 8, 16.04),
  "openjdk-7-jdk": both("default-jdk", 9, 16.04),
  "openjdk-7-jre": both("default-jre", 9, 16.04),
  "openjdk-7-jre-headless": both("default-jre-headless", 9, 16.04),
  "openjdk-8-jdk": debianOnly("default-jdk", 10),
  "openjdk-8-jdk-headless": debianOnly("default-jdk-headless", 10),
  "openjdk-8-jre": debianOnly("default-jre", 10),
  "openjdk-8-jre-headless": debianOnly("default-jre-headless", 10),
  "openjdk-11-jdk": debianOnly("default-jdk", 12),
  "openjdk-11-jdk-headless": debianOnly("default-jdk-headless", 12),
  "openjdk-11-jre": debianOnly("default-jre", 12),
  "openjdk-11-jre-headless": debianOnly("default-jre-headless", 12),
  "apache2-mpm-prefork": both("apache2", 9, 16.04),
  "apache2-mpm-worker": both("apache2", 9, 16.04),
  "libapache2-mod-wsgi": both("libapache2-mod-wsgi-py3", 11, 20.1),
  "libapache2-mod-php5": both("libapache2-mod-php", 9, 16.04),
  "php5": both("php", 9, 16.04),
  "sqlite": both("sqlite3", 11, 20.04),
  "realpath": both("coreutils", 10, 18.04),
  "ttf-dejavu": both("fonts-dejavu", 11, 20.04),
  "ttf-dejavu-core": both("fonts-dejavu-core", 11, 20.04),
  "ttf-liberation": both("fonts-liberation", 11, 20.04),
  "ttf-freefont": both("fonts-freefont-ttf", 11, 20.04),
  "ttf-wqy-zenhei": both("fonts-wqy-zenhei", 11, 20.04),
  "ttf-ubuntu-font-family": both("fonts-ubuntu", 99, 22.04),
  "vim-gnome": both("vim-gtk3", 10, 19.1),
  "iceweasel": both("firefox-esr", 9, 99),
  "chromium-browser": debianOnly("chromium", 8),
  "firefox": debianOnly("firefox-esr", 8),
  "mono-gmcs": both("mono-mcs", 9, 16.04),
  "netcat": both("netcat-openbsd", 12, 23.04),
  "qt5-default": both("qtbase5-dev", 11, 21.04),
  "libgl1-mesa-glx": both("libgl1", 13, 24.04),
  "libwxgtk3.0-dev": both("libwxgtk3.0-gtk3-dev", 10, 20.04),
  "libncurses5": both("libncurses6", 13, 24.04),
  "libtinfo5": both("libtinfo6", 13, 24.04),
  "libasound2": both("libasound2t64", 13, 24.04),
  "rjava": always("r-cran-rjava"),
  "pkgconfig": always("pkg-config"),
  "docker": debianOnly("docker.io", 10),
  "ssh-client": always("openssh-client"),
  "ssh-server": always("openssh-server"),
  "policykit-1": both("polkitd", 13, 24.1),
  "ntpdate": both("ntpsec-ntpdate", 13, 24.1),
  "exfat-utils": both("exfatprogs", 12, 22.04),
  "libenchant1c2a": both("libenchant-2-2", 11, 20.1),
  "libenchant-dev": both("libenchant-2-dev", 11, 20.1),
  "libwebkitgtk-dev": both("libwebkit2gtk-4.0-dev", 9, 18.04),
  "libgstreamer0.10-dev": both("libgstreamer1.0-dev", 9, 16.1),
  "tcl8.5": both("tcl", 9, 18.04),
  "libboost-python1.55-dev": both("libboost-python-dev", 9, 16.04),
  "ia32-libs": both("lib32z1", 8, 14.04),
  "lib32ncurses5": both("lib32ncurses6", 10, 19.1),
  "lib32bz2-1.0": both("lib32z1", 9, 16.04),
};

/** Packages whose name holds the version of the library in each release. */
export const VERSIONED: readonly {
  old: RegExp;
  debian: Readonly<Record<number, string>>;
  ubuntu: Readonly<Record<number, string>>;
}[] = [
  {
    old: /^libicu\d\d$/,
    debian: { 8: "libicu52", 9: "libicu57", 10: "libicu63", 11: "libicu67", 12: "libicu72", 13: "libicu76" },
    ubuntu: {
      14.04: "libicu52",
      16.04: "libicu55",
      18.04: "libicu60",
      20.04: "libicu66",
      22.04: "libicu70",
      24.04: "libicu74",
    },
  },
  {
    old: /^libssl(?:0\.9\.8|1\.0\.[012]|1\.1|3)$/,
    debian: { 8: "libssl1.0.0", 9: "libssl1.1", 10: "libssl1.1", 11: "libssl1.1", 12: "libssl3" },
    ubuntu: {
      14.04: "libssl1.0.0",
      16.04: "libssl1.0.0",
      18.04: "libssl1.1",
      20.04: "libssl1.1",
      22.04: "libssl3",
    },
  },
  {
    old: /^libreadline\d$/,
    debian: {
      8: "libreadline6",
      9: "libreadline7",
      10: "libreadline7",
      11: "libreadline8",
      12: "libreadline8",
    },
    ubuntu: { 16.04: "libreadline6", 18.04: "libreadline7", 20.04: "libreadline8", 22.04: "libreadline8" },
  },
];

/** Python 2 packages that have a Python 3 twin of the same name. */
export const PYTHON_TWINS = new Set(
  ("apt bs4 boto cairo cffi chardet click configobj cryptography dateutil dbus decorator django docutils " +
    "enchant feedparser flask future gdal gevent gi gobject h5py html5lib httplib2 ipython jinja2 jsonschema kombu ldap " +
    "lxml magic mako markdown matplotlib mock mpi4py msgpack netaddr nose numpy numpy-dev opengl opencv openssl pandas " +
    "paramiko parted passlib pexpect ply protobuf psutil psycopg2 pyasn1 pycurl pyelftools pygame pygments pymongo " +
    "pyparsing pyqt5 pytest redis requests scipy serial setproctitle simplejson six skimage sklearn sphinx sqlalchemy " +
    "support sympy tk tornado twisted tz usb urllib3 watchdog websocket werkzeug wheel yaml zmq zope.interface " +
    "distutils-extra pycparser docopt netifaces termcolor xlib ujson nltk shapely pyproj mysqldb tables networkx notify wxgtk4.0")
    .split(" "),
);

/** Common packages: two of them written without a blank between are told apart. */
export const COMMON_PACKAGES = new Set(
  ("git wget curl vim make gcc g++ cmake unzip zip tar nano sudo tree jq htop bash python3 python3-pip ruby nodejs npm " +
    "software-properties-common build-essential ca-certificates gnupg openssl").split(" "),
);
