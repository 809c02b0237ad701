/** Causes of the JVM's and .NET's build tools. */
import { accept, reject } from "../catalogue.ts";
import type { Cause } from "../catalogue.ts";
import { inContainer, inStep, isNearEnd } from "./container.ts";
import { ANY, BUILD, reported, sign } from "./lines.ts";

export const jvmDotnetCauses: readonly Cause[] = [
  reported(
    "jvm-dependency-unresolved",
    BUILD,
    [
      sign(
        "Could not resolve dependencies for project",
        /Could not resolve dependencies for project (?<project>\S+?):? /,
        0.93,
      ),
      sign("Could not find artifact", /Could not find artifact (?<artifact>\S+)/, 0.92),
      sign("Failed to collect dependencies", /Failed to collect dependencies at (?<artifact>\S+)/, 0.9),
      sign(
        "Could not resolve all",
        /Could not resolve all (?:files|dependencies|artifacts|task dependencies) for configuration '(?<artifact>[^']+)'/,
        0.92,
      ),
      sign("Could not find ", /^> Could not find (?<artifact>[\w.-]+:[\w.-]+:[\w.-]+)/, 0.93),
      sign("Could not resolve ", /^\s*> Could not resolve (?<artifact>[\w.-]+:[\w.-]+:[\w.-]+)/, 0.9),
      sign("Non-resolvable parent POM", /Non-resolvable (?:parent|import) POM/, 0.93),
      sign(
        "or one of its dependencies could not be resolved",
        /Plugin (?<artifact>\S+) or one of its dependencies could not be resolved/,
        0.92,
      ),
      sign(
        "unresolved dependency:",
        /(?:\[warn\]|\[error\]|::) +(?:: )?unresolved dependency: (?<artifact>\S+?)[:;]/,
        0.92,
      ),
      sign("UNRESOLVED DEPENDENCIES", /UNRESOLVED DEPENDENCIES/, 0.9),
      sign(
        "Error downloading",
        /\[error\] (?:\(.*\) )?.*(?:ResolutionException|Error downloading|ResolveException)/,
        0.88,
      ),
      sign(
        "was not found in any of the following sources",
        /Plugin \[id: '(?<artifact>[^']+)'.*was not found in any of the following sources/,
        0.93,
      ),
      sign("Could not transfer artifact", /Could not (?:transfer|find) artifact (?<artifact>\S+)/, 0.88),
      sign(
        "This could be due to a typo in :dependencies",
        /This could be due to a typo in :dependencies/,
        0.92,
      ),
      sign("Unable to resolve artifact", /Unable to resolve artifact/, 0.9),
    ],
    ({ artifact, project }) => `The artefact ${artifact ?? project ?? "that the build needs"} cannot be had.`,
    [
      "[ERROR] Failed to execute goal on project web: Could not resolve dependencies for project org.example:web:jar:1.0: Could not find artifact",
      "> Could not resolve all files for configuration ':compileClasspath'.",
    ],
    {
      identity: ["artifact"],
      decide: (finding, context) =>
        /501 HTTPS Required|status: 501|code 501/.test(
            context.lines.slice(finding.at, finding.at + 6).join("\n"),
          )
          ? reject("the repository wants https")
          : inStep(context, /PKIX path building failed/)
          ? reject("the certificate is not trusted")
          : /WARN/.test(context.lines[finding.at]!) && !/unresolved/i.test(context.lines[finding.at]!)
          ? reject("it is a warning")
          : accept(),
    },
  ),
  reported(
    "maven-https-required",
    BUILD,
    [
      sign("501 HTTPS Required", /501 HTTPS Required/, 0.98),
      sign("Return code is: 501", /Return code is: 501/, 0.97),
      sign("status code 501", /status code 501 from server: HTTPS Required/, 0.97),
      sign("Received status code 501", /Received status code 501/, 0.97),
      sign("maven-default-http-blocker", /maven-default-http-blocker/, 0.95),
    ],
    () => "The repository is asked over http and answers over https only.",
    [
      "Return code is: 501 , ReasonPhrase:HTTPS Required.",
      "Blocked mirror for repositories: maven-default-http-blocker (http://0.0.0.0/)",
    ],
  ),
  reported(
    "java-version-mismatch",
    ANY,
    [
      sign("invalid target release", /invalid target release: (?<version>[\d.]+)/, 0.96),
      sign("invalid flag: --release", /invalid flag: --release/, 0.95),
      sign("invalid source release", /invalid source release: (?<version>[\d.]+)/, 0.96),
      sign("release version", /(?:error: )?release version (?<version>\d+) not supported/, 0.96),
      sign("UnsupportedClassVersionError", /UnsupportedClassVersionError/, 0.96),
      sign("Unsupported major.minor version", /Unsupported major\.minor version (?<version>[\d.]+)/, 0.96),
      sign(
        "Source option",
        /(?:error: )?(?:Source|Target) option (?<version>[\d.]+) is no longer supported/,
        0.95,
      ),
      sign(
        "Unsupported class file major version",
        /Unsupported class file major version (?<version>\d+)/,
        0.96,
      ),
      sign(
        "Could not determine java version",
        /Could not determine java version from '(?<version>[^']+)'/,
        0.96,
      ),
      sign("Detected JDK Version", /Detected JDK Version: (?<version>\S+) is not in the allowed range/, 0.95),
      sign(
        "class file has wrong version",
        /class file has wrong version (?<version>[\d.]+), should be/,
        0.95,
      ),
      sign("Unrecognized VM option", /Unrecognized VM option '?(?<version>[^'\s]+)/, 0.85),
      sign(
        "requires Java",
        /(?:requires|require|needs) (?:at least )?(?:Java|JDK|JVM runtime version) (?:version )?(?<version>\d+)/,
        0.9,
      ),
      sign(
        "requires at least JVM runtime version",
        /requires at least JVM runtime version (?<version>\d+)/,
        0.95,
      ),
      sign(
        "No compiler is provided in this environment",
        /No compiler is provided in this environment/,
        0.88,
      ),
      sign("package javafx", /package javafx\S* does not exist/, 0.6),
      sign(
        "package javax.xml.bind does not exist",
        /package javax\.(?:xml\.bind|annotation|activation)\S* does not exist/,
        0.88,
      ),
      sign(
        "NoClassDefFoundError: javax/xml/bind",
        /NoClassDefFoundError: javax\/(?:xml\/bind|annotation|activation)/,
        0.9,
      ),
      sign(
        "languageVersion=",
        /No (?:matching|compatible) toolchains? found for requested specification: \{languageVersion=(?<version>\d+)/,
        0.95,
      ),
    ],
    ({ version }) =>
      `The JDK of the image is of another version than the build needs${
        version === undefined ? "" : ` (${version})`
      }.`,
    ["Fatal error compiling: invalid target release: 11", "error: release version 17 not supported"],
    { identity: ["version"] },
  ),
  reported(
    "jvm-build-failed",
    BUILD,
    [
      sign("Failed to execute goal", /\[ERROR\] Failed to execute goal (?<goal>\S+)/, 0.78),
      sign("BUILD FAILED", /BUILD FAILED/, 0.76),
      sign("FAILURE: Build failed with an exception", /FAILURE: Build failed with an exception/, 0.76),
      sign("A problem occurred evaluating", /A problem occurred (?:evaluating|configuring)/, 0.78),
      sign("* What went wrong:", /\* What went wrong:/, 0.76),
      sign("[error] ", /^\[error\] /, 0.72),
      sign("Error encountered performing task", /Error encountered performing task '(?<goal>[^']+)'/, 0.8),
      sign('Exception in thread "main"', /Exception in thread "main" (?<goal>[\w.$]+)/, 0.7),
      sign("Unknown lifecycle phase", /Unknown lifecycle phase "(?<goal>[^"]+)"/, 0.85),
      sign("Caused by: ", /^Caused by: (?:clojure|java|groovy|org)\.\S+/, 0.65),
      sign("The build could not read", /The build could not read \d+ project/, 0.78),
      sign("Could not find or load main class", /Could not find or load main class (?<goal>\S+)/, 0.8),
    ],
    ({ goal }) => `The JVM build failed${goal === undefined ? "" : ` in ${goal}`}.`,
    [
      "BUILD FAILED in 29s",
      "[ERROR] Failed to execute goal com.example:plugin:1.0:run (default) on project x: boom",
    ],
    {
      severity: "symptom",
      decide: inContainer((
        finding,
        context,
      ) => (/in thread/.test(context.lines[finding.at]!) && !isNearEnd(finding, context, 30)
        ? accept(0.55)
        : accept())
      ),
    },
  ),
  reported(
    "dotnet-sdk-mismatch",
    ANY,
    [
      sign(
        "does not support targeting",
        /The current \.NET SDK does not support targeting (?<version>\.NET.*?)\./,
        0.96,
      ),
      sign("NETSDK1045", /NETSDK1045/, 0.97),
      sign(
        "A compatible installed .NET",
        /A compatible (?:installed )?\.NET (?:Core )?SDK .*was not found/i,
        0.95,
      ),
      sign(
        "compatible SDK version",
        /(?:Requested SDK version|requested \.NET SDK|The specified SDK version|A compatible SDK version|The SDK '?Microsoft).*(?:could not be found|was not found)?/,
        0.88,
      ),
      sign(
        "SDK version",
        /SDK version(?: \[| ')?(?<version>[\d.]+\S*?)\]? (?:from global\.json|could not be found|was not found)/,
        0.92,
      ),
      sign("NETSDK1141", /NETSDK1141/, 0.93),
      sign(
        "It was not possible to find any compatible framework version",
        /It was not possible to find any compatible framework version/,
        0.93,
      ),
      sign("Did you mean to run dotnet SDK commands", /Did you mean to run dotnet SDK commands/, 0.82),
      sign(
        "were not found. To resolve this",
        /MSB3644: The reference assemblies for (?<version>\S+) were not found/,
        0.9,
      ),
      sign("MSB3644", /MSB3644/, 0.9),
      sign("MSB4236", /MSB4236: The SDK '(?<version>[^']+)' specified could not be found/, 0.9),
      sign(
        "You must install or update .NET to run this application",
        /You must install or update \.NET to run this application/,
        0.93,
      ),
      sign("Invalid option '", /CS1617: Invalid option '(?<version>[^']+)' for \/langversion/, 0.93),
      sign(
        'No executable found matching command "dotnet-',
        /No executable found matching command "dotnet-(?<version>[\w-]+)"/,
        0.75,
      ),
      sign("The project uses", /project\.json.*(?:no longer supported|Couldn't find 'project\.json')/i, 0.8),
    ],
    ({ version }) =>
      `The .NET SDK of the image does not fit the project${version === undefined ? "" : ` (${version})`}.`,
    [
      "error NETSDK1045: The current .NET SDK does not support targeting .NET 6.0.  Either target .NET 5.0 or lower.",
      "A compatible installed .NET SDK for global.json version [3.1.100] from [/app/global.json] was not found",
    ],
    { identity: ["version"] },
  ),
  reported(
    "dotnet-build-failed",
    BUILD,
    [
      sign("error NU", /error (?<code>NU\d{4}): (?<detail>.*)/, 0.88),
      sign("error CS", /error (?<code>CS\d{4}): (?<detail>.*)/, 0.72),
      sign("error FS", /error (?<code>FS\d{4}): (?<detail>.*)/, 0.82),
      sign("error MSB", /error (?<code>MSB(?!1009|1003|4236|3644)\d{4}): (?<detail>.*)/, 0.82),
      sign("error NETSDK", /error (?<code>NETSDK(?!1045|1141)\d{4}): (?<detail>.*)/, 0.85),
      sign("Build FAILED.", /^Build FAILED\./, 0.75),
      sign(
        "error : ",
        /\.(?:targets|csproj|fsproj|vbproj|sln)(?:\(\d+,\d+\))? ?: error ?: (?<detail>.*)/,
        0.82,
      ),
      sign("error BC", /error (?<code>BC\d{4,5}): (?<detail>.*)/, 0.8),
      sign("Unable to resolve '", /error(?: NU\d+)?: Unable to resolve '/, 0.85),
      sign("log  : ", /^(?:log|error) +: (?<detail>.*)/, 0.6),
      sign("Restore failed", /(?:Restore|restore) failed/, 0.72),
    ],
    ({ code, detail }) =>
      `dotnet failed${code === undefined ? "" : ` with ${code}`}${
        detail === undefined ? "" : `: ${detail}`
      }.`,
    [
      "/src/App.csproj : error NU1101: Unable to find package Foo.Bar. No packages exist with this id",
      "Build FAILED.",
    ],
    {
      severity: "consequence",
      identity: ["code"],
      decide: inContainer((finding, context) => {
        const { code = "" } = finding.captures;
        if (/could not be loaded|Unable to load the service index/.test(context.lines[finding.at]!)) {
          return accept(0.8);
        }
        return /^CS/.test(code)
          ? accept(inStep(context, /\/root\/\.nuget|project\.assets|obj\//) ? 0.74 : 0.72)
          : accept();
      }),
    },
  ),
];
