-- What somebody would build by hand for exactly these questions, beside the source's tables: three narrow rollups. Policies let
-- a role that owns nothing see one partner at a time, as Scoville does with its tenants; whoever owns them sees all.
DROP SCHEMA IF EXISTS handmade CASCADE;
CREATE SCHEMA handmade;

CREATE TABLE handmade.campaign_day AS
SELECT partner_id, campaign_id, day, sum(instances)::bigint AS instances, sum(purchases)::bigint AS purchases,
  sum(revenue)::bigint AS revenue, sum(commission)::bigint AS commission
FROM (
  SELECT partner_id, campaign_id, (occurred_at AT TIME ZONE 'UTC')::date AS day, count(*) AS instances,
    count(*) FILTER (WHERE is_purchase) AS purchases, sum(revenue_cents) AS revenue, 0::bigint AS commission
  FROM instances
  GROUP BY 1, 2, 3
  UNION ALL
  SELECT partner_id, campaign_id, (created_at AT TIME ZONE 'UTC')::date, 0, 0, 0, sum(amount_cents)
  FROM commissions
  WHERE status <> 'reversed' AND order_id < 1000000000
  GROUP BY 1, 2, 3
) AS part
GROUP BY 1, 2, 3;
CREATE UNIQUE INDEX ON handmade.campaign_day (campaign_id, day)
  INCLUDE (partner_id, instances, purchases, revenue, commission);

CREATE TABLE handmade.influencer_month AS
SELECT partner_id, influencer_id, month, sum(instances)::bigint AS instances, sum(purchases)::bigint AS purchases,
  sum(revenue)::bigint AS revenue, sum(paid)::bigint AS paid, sum(pending)::bigint AS pending
FROM (
  SELECT partner_id, influencer_id, date_trunc('month', occurred_at AT TIME ZONE 'UTC')::date AS month,
    count(*) AS instances, count(*) FILTER (WHERE is_purchase) AS purchases, sum(revenue_cents) AS revenue,
    0::bigint AS paid, 0::bigint AS pending
  FROM instances
  GROUP BY 1, 2, 3
  UNION ALL
  SELECT partner_id, influencer_id, date_trunc('month', created_at AT TIME ZONE 'UTC')::date, 0, 0, 0,
    coalesce(sum(amount_cents) FILTER (WHERE status = 'paid'), 0),
    coalesce(sum(amount_cents) FILTER (WHERE status = 'pending'), 0)
  FROM commissions
  WHERE order_id < 1000000000
  GROUP BY 1, 2, 3
) AS part
GROUP BY 1, 2, 3;
CREATE UNIQUE INDEX ON handmade.influencer_month (partner_id, month, influencer_id)
  INCLUDE (instances, purchases, revenue, paid, pending);

CREATE TABLE handmade.pivot_month AS
SELECT partner_id, date_trunc('month', occurred_at AT TIME ZONE 'UTC')::date AS month, platform, campaign_id,
  count(*) AS instances, sum(revenue_cents)::bigint AS revenue
FROM instances
GROUP BY 1, 2, 3, 4;
CREATE UNIQUE INDEX ON handmade.pivot_month (partner_id, month, platform, campaign_id) INCLUDE (instances, revenue);

DO $$ BEGIN
  IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'handmade_reader') THEN
    CREATE ROLE handmade_reader NOLOGIN NOSUPERUSER NOBYPASSRLS;
  END IF;
END $$;
DO $$
DECLARE of_table text;
BEGIN
  EXECUTE format('GRANT handmade_reader TO %I', current_user);
  FOREACH of_table IN ARRAY ARRAY['handmade.campaign_day', 'handmade.influencer_month', 'handmade.pivot_month',
    'public.campaigns', 'public.influencers', 'public.campaign_influencers', 'public.instances', 'public.orders',
    'public.commissions']
  LOOP
    EXECUTE format('GRANT SELECT ON %s TO handmade_reader', of_table);
    CONTINUE WHEN of_table = 'public.campaign_influencers';
    EXECUTE format('DROP POLICY IF EXISTS one_partner ON %s', of_table);
    EXECUTE format('CREATE POLICY one_partner ON %s USING '
      '(partner_id = nullif(current_setting(''handmade.partner'', true), '''')::integer)', of_table);
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', of_table);
  END LOOP;
END $$;
GRANT USAGE ON SCHEMA handmade TO handmade_reader;
