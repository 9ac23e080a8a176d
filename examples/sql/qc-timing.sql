-- Days from a visit to its first submit, and to its first pass.
WITH visits AS (
    SELECT
        date_diff('day', visit_date, CAST(min(timestamp) FILTER (action = 'submit') AS DATE)) AS submit_days,
        date_diff('day', visit_date, CAST(min(timestamp) FILTER (action = 'pass-qc') AS DATE)) AS pass_days
    FROM events
    GROUP BY study, pipeline_adcid, project_label, ptid, visit_date, visit_number, datatype, module
)
SELECT
    count(submit_days) AS submit_visits,
    avg(submit_days) AS submit_mean_days,
    median(submit_days) AS submit_median_days,
    quantile_cont(submit_days, 0.9) AS submit_p90_days,
    count(pass_days) AS pass_visits,
    avg(pass_days) AS pass_mean_days,
    median(pass_days) AS pass_median_days,
    quantile_cont(pass_days, 0.9) AS pass_p90_days
FROM visits
