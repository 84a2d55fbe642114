#!/bin/bash
# Nextflow of the version that nextflow-pom.xml says, from Maven Central's jars, as a command PREFIX/bin/nextflow (default
# /usr/local). Needs Java 17 and Maven, which are installed where they are missing.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
prefix=${1:-/usr/local}
home=$prefix/lib/nextflow
if ! command -v mvn >/dev/null || ! command -v java >/dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends openjdk-17-jre-headless maven >/dev/null
fi
mkdir -p "$home" "$prefix/bin"
cp "$here/nextflow-pom.xml" "$home/pom.xml"
cd "$home"
mvn -B -q dependency:build-classpath -Dmdep.outputFile=classpath.txt -Dmdep.includeScope=runtime
opens=""
for package in java.lang java.io java.nio java.net java.util java.util.concurrent.locks java.util.concurrent.atomic java.util.regex \
    sun.nio.ch sun.nio.fs sun.net.www.protocol.http sun.net.www.protocol.https sun.net.www.protocol.ftp \
    sun.net.www.protocol.file jdk.internal.misc jdk.internal.vm; do
    opens="$opens --add-opens=java.base/$package=ALL-UNNAMED"
done
cat > "$prefix/bin/nextflow" <<S
#!/bin/bash
exec java \${NXF_OPTS:-} $opens -cp "\$(cat $home/classpath.txt)" nextflow.cli.Launcher "\$@"
S
chmod +x "$prefix/bin/nextflow"
"$prefix/bin/nextflow" -version
