-- The latest event of each visit, whatever its action.
SELECT *
FROM events
QUALIFY ROW_NUMBER() OVER (
    PARTITION BY study, pipeline_adcid, project_label, ptid, visit_date, visit_number, datatype, module
    ORDER BY timestamp DESC, source_key DESC
) = 1
ORDER BY timestamp, source_key
