"""A top-level package that is not fleetwin's own is told clearly at start-up."""

import os
import subprocess
import sys
from pathlib import Path

from twin.cli.origin import strangers


def test_our_own_packages_are_no_strangers() -> None:
    assert strangers() == []


def test_another_distribution_earlier_on_the_path_is_told(tmp_path: Path) -> None:
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "__init__.py").write_text('"""Agents of somebody else."""\n')
    done = subprocess.run(
        [sys.executable, "-m", "twin.cli.main", "--help"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert "Usage: fleetwin" in done.stdout
    message = " ".join(done.stderr.split())
    assert "the package 'agents' is not fleetwin's own but another distribution's" in message
    assert str(tmp_path) in message
    assert "environment of its own" in message


def test_files_written_over_ours_are_told(tmp_path: Path) -> None:
    """Two distributions in one environment write into the same folder; the last one wins."""
    home = Path(__file__).resolve().parents[2]
    for package in ("twin", "scenarios", "solvers", "agents"):
        (tmp_path / package).symlink_to(home / package)
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "__init__.py").write_text('"""Reports of somebody else."""\n')
    code = f"""
import os, sys
sys.path.insert(0, {str(tmp_path)!r})
import twin.cli.origin as origin
print(origin._stranger("reports", {str(tmp_path)!r}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "the package 'reports' is not fleetwin's own" in done.stdout
