/** Causes of Ruby's and PHP's tools: bundler, gem, rake, composer, pecl. */
import { accept, reject } from "../catalogue.ts";
import type { Cause } from "../catalogue.ts";
import { after, before, inContainer, inStep, instructionOf, isNearEnd, linesLeft } from "./container.ts";
import { ANY, BUILD, reported, sign } from "./lines.ts";

export const phpRubyCauses: readonly Cause[] = [
  reported(
    "gem-needs-newer-ruby",
    ANY,
    [
      sign(
        "requires Ruby version",
        /(?<gem>[\w.-]+) requires Ruby version (?<range>[^.]*\d[\d., <>=~]*?)\.?(?:\s|$)/,
        0.96,
      ),
      sign(
        "requires ruby version",
        /(?<gem>[\w.-]+?)(?:-[\d.]+)? requires ruby version (?<range>.+?), which is incompatible/,
        0.96,
      ),
      sign(
        "The last version of",
        /The last version of (?<gem>\S+) \([^)]*\) to support your Ruby (?:& RubyGems )?was/,
        0.95,
      ),
      sign(
        "requires RubyGems version",
        /(?<gem>[\w.-]+) requires RubyGems version (?<range>\S+ [\d.]+)/,
        0.92,
      ),
      sign(
        "is not compatible with the current version, ruby",
        /ruby version .* is not compatible|not compatible with the current version, ruby/i,
        0.9,
      ),
      sign("current ruby version is", /The current ruby version is (?<range>[\d.]+)/i, 0.88),
      sign(
        "Ruby (",
        /Ruby \((?<range>[^)]{0,100})\).{0,300}?required by|Could not find gem 'ruby \((?<range2>[^)]*)\)/,
        0.85,
      ),
      sign("Could not find gem 'ruby", /Could not find gem 'ruby\W+\((?<range>[^)]*)\)/, 0.95),
      sign("depends on Ruby", /(?<gem>\S+) .*depends on Ruby (?<range>\S+ [\d.]+)/, 0.9),
    ],
    ({ gem, range }) => `${gem ?? "A gem"} needs Ruby ${range ?? "of a newer version"}.`,
    [
      "\tbundler requires Ruby version >= 2.3.0. The current ruby version is 2.2.0.",
      "nokogiri-1.15.0 requires ruby version >= 2.7, < 3.3.dev, which is incompatible with the current version, ruby 2.6.10p210",
    ],
    {
      identity: ["gem"],
      decide: (finding, context) => {
        if (/^\s*(?:WARN|warn)/.test(context.lines[finding.at]!)) return reject("it is a warning");
        return /Gem::Specification|Your Ruby version/.test(context.lines[finding.at]!)
          ? reject("the Gemfile says it")
          : accept();
      },
    },
  ),
  reported(
    "ruby-version-gemfile",
    ANY,
    [sign(
      "but your Gemfile specified",
      /Your (?:Ruby|RubyGems) (?:version|patchlevel|engine) is (?<have>\S+), but your Gemfile specified (?<want>.+)/,
      0.98,
    )],
    ({ have, want }) => `The Gemfile asks for Ruby ${want}, the image has ${have}.`,
    [
      "Your Ruby version is 2.4.1, but your Gemfile specified 2.4.2",
      "Your Ruby version is 3.3.0, but your Gemfile specified ~> 3.2.0",
    ],
    { identity: ["want"], decide: inContainer() },
  ),
  reported(
    "bundler-version-mismatch",
    ANY,
    [
      sign(
        "find_spec_for_exe",
        /find_spec_for_exe': (?:can't find gem|Could not find ['"]?)?\s*'?bundler'? \((?<version>[^)]+)\)/,
        0.97,
      ),
      sign("Could not find 'bundler'", /Could not find 'bundler' \((?<version>[^)]+)\) required by/, 0.97),
      sign("can't find gem bundler", /can't find gem bundler \((?<version>[^)]+)\)/, 0.96),
      sign(
        "requires a different version of Bundler",
        /This Gemfile requires a different version of Bundler/,
        0.95,
      ),
      sign(
        'Bundler could not find compatible versions for gem "bundler"',
        /Bundler could not find compatible versions for gem "bundler"/,
        0.97,
      ),
      sign(
        "You must use Bundler",
        /You must use Bundler (?<version>\d+) or greater with this lockfile/,
        0.97,
      ),
      sign(
        "The running version of Bundler",
        /The running version of Bundler \((?<version>[^)]+)\) does not match/,
        0.88,
      ),
      sign(
        "To update to the latest version installed on your system",
        /To update to the latest version installed on your system/,
        0.9,
      ),
      sign("Could not find gem 'bundler", /Could not find gem 'bundler/, 0.93),
    ],
    ({ version }) => `The lock file asks for another bundler${version === undefined ? "" : ` (${version})`}.`,
    [
      "/usr/local/lib/ruby/2.7.0/rubygems.rb:275:in `find_spec_for_exe': Could not find 'bundler' (1.11.2) required by your /app/Gemfile.lock. (Gem::GemNotFoundException)",
      "You must use Bundler 2 or greater with this lockfile.",
    ],
  ),
  reported(
    "gem-unresolvable",
    ANY,
    [
      sign("in any of the sources", /Could not find (?<gem>\S+) in any of the sources/, 0.93),
      sign(
        "Bundler could not find compatible versions",
        /Bundler could not find compatible versions for gem "(?<gem>[^"]+)"/,
        0.92,
      ),
      sign("Could not find gem '", /Could not find gem '(?<gem>[^']+)'/, 0.9),
      sign("has removed it", /The author of \S+ has removed it|Your bundle is locked to (?<gem>\S+)/, 0.95),
      sign("Your bundle is locked to", /Your bundle is locked to (?<gem>\S+)/, 0.95),
      sign("Could not find compatible versions", /Could not find compatible versions/, 0.88),
      sign("ERROR:  Could not find a valid gem", /ERROR:\s+Could not find a valid gem '(?<gem>[^']+)'/, 0.9),
      sign("has yanked", /has (?:been )?yanked/, 0.9),
      sign("The dependency ", /ERROR: .*unable to resolve dependenc(?:y|ies)/i, 0.82),
      sign(
        "Unable to resolve dependency",
        /Unable to resolve dependency: (?:user requested )?'(?<gem>[^']+)/,
        0.9,
      ),
    ],
    ({ gem }) => `The gem ${gem ?? "that is asked for"} cannot be had in that version.`,
    [
      "Could not find bootstrap-sass-3.2.0.2 in any of the sources",
      "Your bundle is locked to mimemagic (0.3.5), but that version could not be found in any of the sources listed in your Gemfile.",
    ],
    {
      identity: ["gem"],
      decide: inContainer((finding, context) =>
        /bundler|'ruby/.test(finding.captures["gem"] ?? "")
          ? reject("bundler or Ruby itself has the wrong version")
          : /rubygems|SSL|HTTPS/.test(context.lines[finding.at + 1] ?? "")
          ? accept(0.7)
          : accept()
      ),
    },
  ),
  reported(
    "gem-option-removed",
    BUILD,
    [
      sign("invalid option: --no-r", /invalid option: --no-r(?:i|doc)/, 0.98),
      sign("OptionParser::InvalidOption", /OptionParser::InvalidOption.*--no-(?:ri|rdoc)/, 0.95),
      sign(
        "flag has been removed",
        /The `?--(?:path|binstubs|deployment|without|no-prune)`? flag has been removed/,
        0.9,
      ),
    ],
    () => "gem no longer takes --no-ri and --no-rdoc: --no-document replaces them.",
    [
      "ERROR:  While executing gem ... (OptionParser::InvalidOption)    invalid option: --no-ri",
      "    invalid option: --no-rdoc",
    ],
  ),
  reported(
    "gem-install-failed",
    BUILD,
    [
      sign("Failed to build gem native extension", /ERROR: Failed to build gem native extension/, 0.72),
      sign("extconf failed", /extconf failed, exit code/, 0.75),
      sign("An error occurred while installing", /An error occurred while installing (?<gem>\S+)/, 0.72),
      sign("ERROR:  Error installing", /ERROR:\s+Error installing (?<gem>[^:]+):/, 0.7),
      sign("ERROR:  While executing gem", /ERROR:\s+While executing gem \.\.\. \((?<detail>[^)]+)\)/, 0.78),
      sign("Gem::RemoteFetcher::FetchError", /Gem::RemoteFetcher::(?:FetchError|UnknownHostError)/, 0.75),
      sign("Could not fetch specs from", /Could not fetch specs from/, 0.7),
      sign("Gem::Ext::BuildError", /Gem::Ext::BuildError/, 0.72),
      sign("Bundler::", /Bundler::\w*(?:Error|Failed)/, 0.65),
    ],
    ({ gem }) => `The gem ${gem ?? "that is installed"} cannot be built or fetched.`,
    ["ERROR: Failed to build gem native extension.", "extconf failed, exit code 1"],
    { severity: "symptom", identity: ["gem"], decide: inContainer() },
  ),
  reported(
    "ruby-app-error",
    BUILD,
    [
      sign("rake aborted!", /rake aborted!/, 0.78),
      sign("rails aborted!", /rails aborted!/, 0.78),
      sign("Error)", /:\d+:in [`'].*: .* \((?<error>[A-Z][\w:]*Error)\)/, 0.75),
      sign("(Errno::", /\(Errno::(?<error>\w+)\)/, 0.7),
      sign("Errno::", /^Errno::(?<error>\w+): /, 0.72),
      sign(
        "Error",
        /^(?<error>(?:No\w+|Argument|Type|Name|Load|Runtime|Syntax|Key|Frozen|IO|Zero\w+|Standard)Error)(?:: |$)/,
        0.7,
      ),
      sign("cannot load such file", /cannot load such file -- (?<file>\S+)/, 0.78),
      sign("LoadError", /(?:LoadError: |\(LoadError\))/, 0.72),
      sign("Liquid Exception", /Liquid Exception: /, 0.78),
      sign("Conversion error", /(?:Conversion error|Jekyll .*Error|jekyll \d.* \| Error)/, 0.78),
      sign("| Error:", /jekyll [\d.]+ \| Error: /, 0.8),
      sign("Could not load the", /Could not load the '(?<file>[^']+)' (?:gem|adapter)/, 0.75),
      sign(
        "There was an error while trying to",
        /There was an error while (?:trying to (?:load|write)|parsing)/,
        0.6,
      ),
    ],
    ({ error, file }) => `A Ruby program of the build fails${error ?? file ? ` (${error ?? file})` : ""}.`,
    ["rake aborted!", "./minirake:2:in `exec': No such file or directory - rake (Errno::ENOENT)"],
    {
      severity: "consequence",
      decide: inContainer((finding, context) => {
        if (!inStep(context, /\.rb:\d+:in|rake|rails|bundle|ruby|jekyll|gem /i)) {
          return reject("no Ruby program runs");
        }
        if (
          /\bgem install|bundle install/.test(instructionOf(context)) &&
          !/aborted/.test(context.lines[finding.at]!)
        ) return accept(0.62, {}, "symptom");
        return isNearEnd(finding, context, 40) ? accept() : accept(0.65, {}, "symptom");
      }),
    },
  ),
  reported(
    "php-version-mismatch",
    BUILD,
    [
      sign("requires php", /requires php(?:-64bit)? (?<range>\S+(?: \S+)?) (?:->|but|which)/, 0.93),
      sign("your PHP version", /(?:but )?[Yy]our (?:PHP|php) version \(?(?<have>[\d.]+)/, 0.93),
      sign("your php version", /(?:but )?your php version \((?<have>[^;)]+)/, 0.95),
      sign("requires ext-", /requires (?:PHP extension )?ext-(?<ext>\w+) .*(?:->|it is missing)/, 0.94),
      sign(
        "the requested PHP extension",
        /the requested PHP extension (?<ext>\w+) is missing from your system/,
        0.95,
      ),
      sign("it is missing from your system", /ext-(?<ext>\w+) .*it is missing from your system/, 0.95),
      sign("requires PHP (version", /requires PHP \(version (?<range>[^)]+)\)/i, 0.93),
      sign(
        "Your Composer dependencies require a PHP version",
        /Your Composer dependencies require a PHP version "(?<range>[^"]+)"/,
        0.95,
      ),
      sign("This package requires php", /This package requires php (?<range>\S+)/, 0.93),
      sign(
        "requires PHP",
        /(?:[Rr]equires?|needs) PHP (?:version )?(?:>= ?|at least )?(?<range>\d[\d.]*)/,
        0.88,
      ),
      sign(
        "Unsupported operand types",
        /PHP (?:Parse|Fatal) error: .*(?:unexpected '(?:\?|:|fn)'|Unsupported operand types)/,
        0.7,
      ),
    ],
    ({ range, ext, have }) =>
      `The image's PHP ${
        ext === undefined
          ? `does not fit${range === undefined ? "" : ` (${range})`}${
            have === undefined ? "" : `: it is ${have}`
          }`
          : `lacks the extension ${ext}`
      }.`,
    [
      "    - Root composer.json requires php ^8.2 but your php version (8.1.27) does not satisfy that requirement.",
      "    - the requested PHP extension intl is missing from your system.",
    ],
    {
      identity: ["ext", "range"],
      decide: inContainer((finding, context) =>
        /pecl\//.test(context.lines[finding.at]!) ? reject("pecl says it") : accept()
      ),
    },
  ),
  reported(
    "php-ext-build-failed",
    BUILD,
    [
      sign("pecl/", /pecl\/(?<ext>\S+) requires PHP/, 0.95),
      sign("error: '", /^error: '?(?<ext>[\w./]+)'? does not exist$/, 0.9),
      sign("/usr/src/php/ext/", /error: \/usr\/src\/php\/ext\/(?<ext>\w+) does not exist/, 0.96),
      sign(
        "No releases available for package",
        /No releases available for package "pecl\S*\/(?<ext>[^"]+)"/,
        0.92,
      ),
      sign(
        "install failed",
        /^(?:ERROR: )?(?:install failed|`(?:phpize|make|\S*configure\S*)' failed)/,
        0.72,
      ),
      sign("' failed", /ERROR: `(?:phpize|make|\S*configure\S*.*)' failed/, 0.72),
      sign(
        "unrecognized options: --with-",
        /configure: WARNING: unrecognized options: (?<ext>--(?:with|enable)-\S+)/,
        0.35,
      ),
      sign("is not installed in", /error: .*docker-php-ext|(?<ext>\w+) is not installed in/, 0.6),
      sign("Cannot find config.m4", /Cannot find config\.m4/, 0.85),
      sign("usage: ", /^usage: .*docker-php-ext-/, 0.78),
      sign(
        "docker-php-ext-configure",
        /^\s*ie: .*docker-php-ext-configure|usage: .*docker-php-ext-configure/,
        0.7,
      ),
    ],
    ({ ext }) => `The PHP extension ${ext ?? "of the step"} cannot be built.`,
    [
      "pecl/redis requires PHP (version >= 7.0.0), installed version is 5.6.40",
      "error: /usr/src/php/ext/mcrypt does not exist",
    ],
    {
      severity: "consequence",
      identity: ["ext"],
      decide: inContainer((
        finding,
        context,
      ) => (linesLeft(finding, context) > 60 ? accept(0.65, {}, "symptom") : accept())),
    },
  ),
  reported(
    "composer-unresolvable",
    BUILD,
    [
      sign(
        "requirements could not be resolved to an installable set",
        /Your requirements could not be resolved to an installable set/,
        0.86,
      ),
      sign(
        "Could not find a version of package",
        /Could not find a (?:version of package|matching version of package|package) (?<package>\S+)/,
        0.93,
      ),
      sign(
        "Could not find package",
        /Could not find (?:a matching version of )?package (?<package>\S+)/,
        0.92,
      ),
      sign(
        "could not be found in any version",
        /The requested package (?<package>\S+) could not be found/,
        0.92,
      ),
      sign(
        "no matching package found",
        /no matching package found|found .+ but it does not match/,
        0.82,
      ),
    ],
    ({ package: name }) =>
      `composer finds no set of versions that fits${name === undefined ? "" : ` (${name})`}.`,
    [
      "Your requirements could not be resolved to an installable set of packages.",
      "  Could not find package acme/tool.",
    ],
    {
      decide: inContainer((finding, context) =>
        after(finding, context, /requires php|your php version|PHP extension|requires ext-|PHP version/i, 60)
          ? reject("PHP's version or an extension is at fault")
          : accept()
      ),
    },
  ),
  reported(
    "php-app-error",
    BUILD,
    [
      sign("PHP Fatal error", /PHP (?:Fatal|Parse) error: +(?<detail>.*)/, 0.8),
      sign("Fatal error: ", /^(?:PHP )?(?:Fatal|Parse) error: +(?<detail>.*)/, 0.78),
      sign(
        "returned with error code",
        /Script .* (?:handling the \S+ event )?returned with error code/,
        0.76,
      ),
      sign("Exception]", /^\s+\[(?<detail>[\w\\]+Exception)\]/, 0.74),
      sign("In ", /^In \w+\.php line \d+:/, 0.76),
      sign(
        "Exception: ",
        /(?<detail>(?:ErrorException|PDOException|RuntimeException|InvalidArgumentException)): /,
        0.65,
      ),
      sign("TransportException", /TransportException/, 0.7),
    ],
    ({ detail }) => `A PHP program of the build fails${detail === undefined ? "" : `: ${detail}`}.`,
    [
      "PHP Fatal error:  Uncaught Error: Class 'X' not found in /app/a.php:3",
      "Script @php artisan package:discover handling the post-autoload-dump event returned with error code 1",
    ],
    {
      severity: "consequence",
      decide: inContainer((finding, context) => {
        if (!inStep(context, /php|composer/i) && !/php|composer/.test(instructionOf(context))) {
          return reject("no PHP program runs");
        }
        return before(finding, context, /allowed memory size/i, 3) ? reject("memory ran out") : accept();
      }),
    },
  ),
];
