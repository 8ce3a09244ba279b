-- A smaller data set in the shape of the harness's tables, for machines without it: the columns that are read here, values by
-- chance from a fixed seed. %(instances)s instances over twelve months, 20 partners of 50 campaigns and 500 influencers each.
SELECT setseed(0.42);

CREATE TABLE partners (id integer PRIMARY KEY, name text NOT NULL);
INSERT INTO partners SELECT number, 'Partner ' || number FROM generate_series(1, 20) AS number;

CREATE TABLE influencers (
  id integer PRIMARY KEY, partner_id integer NOT NULL, name text NOT NULL, handle text NOT NULL, platform text NOT NULL,
  followers integer NOT NULL, created_at timestamptz NOT NULL);
INSERT INTO influencers
SELECT number, (number - 1) / 500 + 1, 'Influencer ' || number, '@influencer' || number,
  ('{instagram,tiktok,youtube,blog,newsletter}'::text[])[number %% 5 + 1], (random() * 100000)::integer,
  '2025-01-01 00:00Z'::timestamptz + number * interval '1 minute'
FROM generate_series(1, 10000) AS number;
CREATE INDEX ON influencers (partner_id);

CREATE TABLE campaigns (
  id integer PRIMARY KEY, partner_id integer NOT NULL, name text NOT NULL, status text NOT NULL,
  budget_cents bigint NOT NULL, starts_on date NOT NULL, ends_on date NOT NULL);
INSERT INTO campaigns
SELECT number, (number - 1) / 50 + 1, 'Campaign ' || number, 'active', 5000000, '2025-10-01', '2026-12-31'
FROM generate_series(1, 1000) AS number;
CREATE INDEX ON campaigns (partner_id);

CREATE TABLE campaign_influencers (
  campaign_id integer NOT NULL, influencer_id integer NOT NULL, position integer NOT NULL,
  PRIMARY KEY (campaign_id, influencer_id));
INSERT INTO campaign_influencers
SELECT campaign.id, (campaign.partner_id - 1) * 500 + ((campaign.id - 1) %% 50 * 10 + place) %% 500 + 1, place + 1
FROM campaigns AS campaign, generate_series(0, 39) AS place;
CREATE INDEX ON campaign_influencers (campaign_id, position);

CREATE TABLE instances (
  id bigint PRIMARY KEY, partner_id integer NOT NULL, campaign_id integer NOT NULL, influencer_id integer NOT NULL,
  platform text NOT NULL, kind text NOT NULL, occurred_at timestamptz NOT NULL, is_purchase boolean NOT NULL,
  revenue_cents integer NOT NULL);
INSERT INTO instances
SELECT number, campaign.partner_id, campaign.id, member.influencer_id,
  ('{instagram,tiktok,youtube,blog,newsletter}'::text[])[chance.platform],
  CASE WHEN chance.is_click THEN 'click' ELSE 'visit' END,
  '2025-11-01 00:00Z'::timestamptz + (number - 1) * (interval '365 days' / %(instances)s), chance.is_purchase,
  CASE WHEN chance.is_purchase THEN chance.cents ELSE 0 END
FROM (
  SELECT number, 1 + floor(1000 * random())::integer AS campaign, 1 + floor(40 * power(random(), 1.5))::integer AS place,
    1 + floor(5 * random())::integer AS platform, random() < 0.7 AS is_click, random() < 0.08 AS is_purchase,
    1500 + floor(18000 * power(random(), 3))::integer AS cents
  FROM generate_series(1, %(instances)s::bigint) AS number
) AS chance
JOIN campaigns AS campaign ON campaign.id = chance.campaign
JOIN campaign_influencers AS member ON member.campaign_id = campaign.id AND member.position = chance.place
ORDER BY number;
CREATE INDEX ON instances (partner_id, occurred_at);

CREATE TABLE orders (
  id bigint PRIMARY KEY, instance_id bigint, partner_id integer NOT NULL, campaign_id integer NOT NULL,
  influencer_id integer NOT NULL, external_id text NOT NULL, status text NOT NULL, total_cents integer NOT NULL,
  placed_at timestamptz NOT NULL);
INSERT INTO orders
SELECT row_number() OVER (ORDER BY id), id, partner_id, campaign_id, influencer_id, 'order-' || id,
  CASE WHEN id %% 16 = 0 THEN 'refunded' ELSE 'completed' END, revenue_cents, occurred_at
FROM instances
WHERE is_purchase;
CREATE INDEX ON orders (influencer_id, placed_at DESC, id DESC);
CREATE INDEX ON orders (instance_id);

CREATE TABLE order_lines (
  id bigint PRIMARY KEY, order_id bigint NOT NULL, sku text NOT NULL, quantity integer NOT NULL,
  unit_cents integer NOT NULL, revenue_cents integer NOT NULL);
INSERT INTO order_lines
SELECT (o.id - 1) * 3 + place, o.id, 'SKU-' || (o.id * 3 + place) %% 2000, 1, cents, cents
FROM orders AS o, generate_series(1, 1 + (o.id %% 3)::integer) AS place,
  LATERAL (
    SELECT CASE WHEN place > 1 THEN o.total_cents / 3 ELSE o.total_cents - (o.id %% 3)::integer * (o.total_cents / 3) END
  ) AS part (cents);
CREATE INDEX ON order_lines (order_id);

CREATE TABLE commissions (
  id bigint PRIMARY KEY, order_id bigint NOT NULL UNIQUE, partner_id integer NOT NULL, campaign_id integer NOT NULL,
  influencer_id integer NOT NULL, status text NOT NULL, amount_cents integer NOT NULL, created_at timestamptz NOT NULL,
  paid_at timestamptz);
INSERT INTO commissions
SELECT id, id, partner_id, campaign_id, influencer_id,
  CASE WHEN status = 'refunded' THEN 'reversed' WHEN placed_at < '2026-09-01 00:00Z' THEN 'paid'
    WHEN id %% 2 = 0 THEN 'approved' ELSE 'pending' END,
  total_cents * 12 / 100, placed_at, NULL
FROM orders;

CREATE SEQUENCE orders_id_seq START 1000000000;
CREATE SEQUENCE order_lines_id_seq START 1000000000;
ALTER TABLE orders ALTER id SET DEFAULT nextval('orders_id_seq');
ALTER TABLE order_lines ALTER id SET DEFAULT nextval('order_lines_id_seq');
ANALYZE;
