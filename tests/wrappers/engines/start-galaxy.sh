#!/bin/bash
# A real Galaxy server on this machine, from PyPI packages: SQLite, local jobs, a Celery worker, the web client.
#   start-galaxy.sh install FOLDER             about 65 s and 1.3 GB; nothing is done if it is there already
#   start-galaxy.sh start FOLDER PORT TOOLS    TOOLS: folder of XML files; about 40 s; the server stays in the background
#   start-galaxy.sh stop FOLDER
# Jobs inherit PATH: put the environment of the tools first. The server's address is http://127.0.0.1:PORT, its user
# admin@example.org with the password testpass123; the API key is written to FOLDER/server/user.key.
set -eu
action=$1
home=$(mkdir -p "$2" && cd "$2" && pwd)
server=$home/server
venv=$home/venv
galaxy=26.1.2
packages="galaxy-web-apps==$galaxy galaxy-app==$galaxy galaxy-web-client==$galaxy planemo==0.75.47 bioblend==1.9.0 playwright==1.65.2"

install() {
    if [ "$(cat "$home/installed" 2>/dev/null)" = "$packages" ]; then return; fi
    rm -rf "$venv" "$home/uv"
    "${PYTHON:-python3}" -m venv "$home/uv"
    "$home/uv/bin/pip" install -q --disable-pip-version-check uv
    "$home/uv/bin/uv" venv -q -p "${PYTHON:-python3}" "$venv"
    # shellcheck disable=SC2086
    "$home/uv/bin/uv" pip install -q --compile-bytecode -p "$venv/bin/python" $packages
    echo "$packages" > "$home/installed"
}

configure() {
    rm -rf "$server"
    mkdir -p "$server/data"
    {
        echo '<toolbox>'
        echo '  <section id="getext" name="Get Data"><tool file="data_source/upload.xml"/></section>'
        echo '  <section id="varproof" name="varproof">'
        for tool in "$tools"/*.xml; do
            if grep -q '<tool ' "$tool"; then echo "    <tool file=\"$tool\"/>"; fi
        done
        echo '  </section>'
        echo '</toolbox>'
    } > "$server/tool_conf.xml"
    cat > "$server/job_conf.yml" <<Y
runners: {local: {load: "galaxy.jobs.runners.local:LocalJobRunner", workers: 3}}
execution: {default: local, environments: {local: {runner: local}}}
Y
    # What an administrator allows: reports of these tools are shown as they are, with styles and pictures.
    printf 'varproof_evaluate_calls\nvarproof_train\n' > "$server/sanitize_allowlist.txt"
    # Without Celery, every job and upload starts a Python that imports Galaxy: 6 and 15 s instead of 1 and 4.
    cat > "$server/galaxy.yml" <<Y
galaxy:
  config_dir: $server
  data_dir: $server/data
  tool_config_file: $server/tool_conf.xml
  job_config_file: $server/job_conf.yml
  tool_data_table_config_path: $tools/tool_data_table_conf.xml.test
  database_connection: sqlite:///$server/data/universe.sqlite?isolation_level=IMMEDIATE&timeout=120
  admin_users: admin@example.org
  bootstrap_admin_api_key: bootstrapkey
  id_secret: test-server-only
  database_auto_migrate: true
  conda_auto_init: false
  conda_auto_install: false
  enable_mulled_containers: false
  enable_celery_tasks: true
  metadata_strategy: directory_celery
  amqp_internal_connection: sqlalchemy+sqlite:///$server/data/control.sqlite?isolation_level=IMMEDIATE&timeout=120
  job_handler_monitor_sleep: 0.1
  job_runner_monitor_sleep: 0.1
  workflow_monitor_sleep: 0.1
  workflow_completion_monitor_sleep: 1
  sanitize_allowlist_file: $server/sanitize_allowlist.txt
  celery_conf:
    result_backend: db+sqlite:///$server/data/results.sqlite?isolation_level=IMMEDIATE&timeout=120
    task_routes: {galaxy.fetch_data: galaxy.external, galaxy.set_job_metadata: galaxy.external}
Y
}

await() { # SECONDS PROCESS LOG COMMAND...: until the command succeeds; fails if the process ends
    local seconds=$1 process=$2 log=$3
    shift 3
    for _ in $(seq 1 "$seconds"); do
        if "$@" > /dev/null 2>&1; then return; fi
        if ! kill -0 "$process"; then break; fi
        sleep 1
    done
    tail -n 40 "$log" >&2
    exit 1
}

answers() { "$venv/bin/python" -c "import urllib.request as r; r.urlopen('$url/api/version')"; }

start() {
    cd "$server"
    export PATH="$PATH:$venv/bin" GALAXY_CONFIG_FILE=$server/galaxy.yml
    setsid nohup "$venv/bin/galaxy-web" --config "$server/galaxy.yml" --bind "127.0.0.1:$port" > galaxy.log 2>&1 < /dev/null &
    echo $! > galaxy.pid
    await 300 "$(cat galaxy.pid)" galaxy.log answers
    # Who reads does not keep others from writing.
    "$venv/bin/python" -c "import sqlite3; sqlite3.connect('data/universe.sqlite', 60).execute('pragma journal_mode=wal')"
    # A queue in SQLite is asked for news once a second; a job passes through five.
    local celery="
from kombu.transport.sqlalchemy import Transport
Transport.polling_interval = 0.2
from celery.__main__ import main
main()"
    setsid nohup "$venv/bin/python" -c "$celery" --app galaxy.celery worker --pool threads --concurrency 4 --loglevel INFO \
        --queues celery,galaxy.internal,galaxy.external > celery.log 2>&1 < /dev/null &
    echo $! > celery.pid
    await 120 "$(cat celery.pid)" celery.log grep -q ' ready\.' celery.log
    "$venv/bin/python" - "$url" user.key <<'P'
import sys
from bioblend.galaxy import GalaxyInstance
url, keyfile = sys.argv[1:]
users = GalaxyInstance(url, key="bootstrapkey").users
user = users.create_local_user("admin", "admin@example.org", "testpass123")
open(keyfile, "w").write(users.get_or_create_user_apikey(user["id"]))
P
}

stop() {
    local process
    for name in celery galaxy; do
        process=$(cat "$server/$name.pid" 2> /dev/null || echo none)
        # Only a process of this folder: the number may belong to another one by now.
        if grep -qs "$venv" "/proc/$process/cmdline"; then
            kill "$process" || true
            for _ in $(seq 1 150); do kill -0 "$process" 2> /dev/null || break; sleep 0.2; done
            kill -9 "$process" 2> /dev/null || true
        fi
        rm -f "$server/$name.pid"
    done
}

case $action in
install) install ;;
start)
    port=$3 tools=$(cd "$4" && pwd) url=http://127.0.0.1:$3
    stop
    configure
    start
    ;;
stop) stop ;;
*) echo "start-galaxy.sh: '$action' is not install, start or stop" >&2 && exit 2 ;;
esac
