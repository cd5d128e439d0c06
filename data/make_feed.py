"""Makes data/feed.csv: an invented feed for the guide, of the kind that audits have.

120 viewers in three arms and two countries, for two weeks; the arm "ranked" weighs politics twice.
Run it again and the same file comes out: python3 data/make_feed.py
"""

import csv
import datetime
import json
import random

TOPICS = ["politics", "sport", "music", "science"]
SUPPLY = [0.22, 0.34, 0.3, 0.14]
ARMS = ["ranked", "chronological", "popular"]
START = datetime.datetime(2026, 3, 2, 6, tzinfo=datetime.timezone(datetime.timedelta(hours=1)))

draw = random.Random(20260302)
with open("data/feed.csv", "w", newline="") as file:
    out = csv.writer(file, lineterminator="\n")
    out.writerow(["viewer_id", "feed", "country", "ts", "rank", "topics", "dwell_ms"])
    for viewer in range(120):
        arm, country = ARMS[viewer % 3], ["DE", "FR"][viewer // 3 % 2]
        taste = [supply * draw.gammavariate(6, 1 / 6) for supply in SUPPLY]
        if arm == "ranked":
            taste[0] *= 2
        for slate in range(draw.randint(3, 10)):
            at = START + datetime.timedelta(minutes=draw.randrange(14 * 24 * 60))
            for rank in range(1, 6):
                topics = [draw.choices(TOPICS, taste)[0]]
                if draw.random() < 0.15:
                    topics.append(draw.choices(TOPICS, SUPPLY)[0])
                if draw.random() < 0.05:
                    topics = []
                dwell = round(draw.lognormvariate(8 - 0.15 * rank, 0.8))
                labels = json.dumps(sorted(set(topics)))
                out.writerow([f"v{viewer:03}", arm, country, at.isoformat(), rank, labels, dwell])
