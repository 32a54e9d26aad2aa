"""PostgreSQL ends every connection amid a sweep: it says so, and the next run carries it to its end."""

import json
import time

import psycopg

from tests.companies import run, start
from tests.databases import postgres_url


def test_a_sweep_whose_database_went_away_is_carried_to_its_end(company, postgres_server, tmp_path):
    name = f"away_{tmp_path.name.replace('-', '_')[-30:]}"
    with psycopg.connect(postgres_url(postgres_server, "postgres"), autocommit=True) as database:
        database.execute(f'CREATE DATABASE "{name}"')
    home, env = tmp_path / "home", {"DATABASE_URL": postgres_url(postgres_server, name)}
    tables = ("--tables", "aws_ec2_volume,aws_s3_bucket")

    def call(*words):
        return run(company, home, "proofwatch.cli", *words, **env).stdout

    call("init")
    call("connect", "aws", "--accounts", company.connected[0], "--regions", "eu-west-1")
    sweep = start(company, home, "proofwatch.cli", "sweep", "aws", *tables, **env)
    others = "datname = %s AND pid <> pg_backend_pid()"
    ask = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"
    with psycopg.connect(postgres_url(postgres_server, name), autocommit=True) as database:
        while not database.execute("SELECT 1 FROM store_sweep WHERE state = 'collecting'").fetchone():
            assert sweep.poll() is None, sweep.stderr.read()
            time.sleep(0.01)
        while sweep.poll() is None:
            database.execute(ask, [name])
            time.sleep(0.02)
    said = sweep.stderr.read()
    assert sweep.returncode == 2 and "Traceback" not in said, said
    assert f"PostgreSQL database {name} at" in said and "cannot be used" in said
    call("sweep", "aws", *tables)
    with psycopg.connect(postgres_url(postgres_server, name)) as database:
        assert database.execute("SELECT state FROM store_sweep").fetchall() == [("complete",)]
    kinds = [entry["kind"] for entry in json.loads(call("evidence", "list", "--json", "--limit", "1000"))]
    assert (kinds.count("sweep.finished"), json.loads(call("evidence", "verify", "--json"))["wrong"]) == (
        1,
        [],
    )
    assert json.loads(call("findings", "--json"))
