#!/bin/bash
# GATK (Mutect2, HaplotypeCaller, ...) of the version that gatk-pom.xml says, from Maven Central's jars, as a command
# PREFIX/bin/gatk; 420 MB. Needs Java 17 and Maven, which are installed where they are missing.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
prefix=$(mkdir -p "$1/bin" "$1/lib" && cd "$1" && pwd)
if ! command -v mvn >/dev/null || ! command -v java >/dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends openjdk-17-jre-headless maven >/dev/null
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$here/gatk-pom.xml" "$work/pom.xml"
(cd "$work" && mvn -B -q dependency:copy-dependencies -DoutputDirectory="$prefix/lib")
cat > "$prefix/bin/gatk" <<S
#!/bin/bash
exec java -Xmx3g \${GATK_JAVA:-} -cp '$prefix/lib/*' org.broadinstitute.hellbender.Main "\$@"
S
chmod +x "$prefix/bin/gatk"
"$prefix/bin/gatk" --version | grep -q 'Toolkit'
