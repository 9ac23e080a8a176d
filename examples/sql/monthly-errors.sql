-- Failed checks of each center and month.
SELECT pipeline_adcid, strftime(timestamp, '%Y-%m') AS month, count(*) AS errors
FROM events
WHERE action = 'not-pass-qc'
GROUP BY ALL
ORDER BY pipeline_adcid NULLS FIRST, month
