"""Makes open_bandit_small.csv.gz from the small Open Bandit Dataset inside the PyPI package obp.

    pip download obp==0.4.1 --no-deps
    python make_open_bandit.py obp-0.4.1-py3-none-any.whl

Standard library only; the same wheel gives the same bytes.
"""
import csv
import gzip
import io
import pathlib
import sys
import zipfile

OUT = pathlib.Path(__file__).resolve().parent / "open_bandit_small.csv.gz"
CAMPAIGNS = ("all", "men", "women")
ARMS = ("bts", "random")


def table(wheel, arm, campaign, name):
    with wheel.open(f"obp/dataset/obd/{arm}/{campaign}/{name}.csv") as raw:
        yield from csv.DictReader(io.TextIOWrapper(raw, encoding="utf-8"))


def topics(wheel, campaign):
    """Item -> c0, c1, ...: the values of item_feature_3 in sorted order.

    The publisher hashes features anew in every file, so codes compare within a campaign only.
    One file per campaign (that of the bts arm) names the items of both arms.
    """
    feature = {row["item_id"]: row["item_feature_3"] for row in table(wheel, "bts", campaign, "item_context")}
    code = {value: f"c{number}" for number, value in enumerate(sorted(set(feature.values())))}
    return {item: code[value] for item, value in feature.items()}


def rows(wheel):
    for campaign in CAMPAIGNS:
        topic = topics(wheel, campaign)
        for arm in ARMS:
            for row in table(wheel, arm, campaign, campaign):
                yield (arm, row["timestamp"][:13], row["item_id"], row["timestamp"], row["position"],
                       topic[row["item_id"]], row["click"], row["propensity_score"], campaign)


def main(path):
    with zipfile.ZipFile(path) as wheel, OUT.open("wb") as file:
        # No name and no time in the header, so that the bytes depend on the rows alone.
        with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed:
            text = io.TextIOWrapper(packed, encoding="utf-8", newline="")
            out = csv.writer(text, lineterminator="\n")
            out.writerow("arm hour item ts position topic click propensity campaign".split())
            out.writerows(rows(wheel))
            text.flush()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
