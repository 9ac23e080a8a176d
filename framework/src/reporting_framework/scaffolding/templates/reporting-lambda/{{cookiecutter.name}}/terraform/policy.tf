# The report's settings that say where data is, and what it must be allowed to do: as `reporting iam {{ cookiecutter.name }}` prints it.

locals {
  arn = "arn:${data.aws_partition.current.partition}"
{% if cookiecutter.__pushed or cookiecutter.sink == "dynamodb-counters" %}

  in_region = "${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}"
{% endif %}
{% if not cookiecutter.__pushed %}

  source_folder = trim(var.prefix, "/")
{% endif %}
{% if cookiecutter.sink in ("parquet-checkpoint", "own") %}

  # That of a file ends where its name, or the first column in it, begins.
  output_folder = trim(regex("^(?:.*/)?", split("{", var.output_key)[0]), "/")
{% elif cookiecutter.sink == "ndjson-archive" %}

  output_folder = trim(var.output_prefix, "/")
{% endif %}

  settings = {
{% if cookiecutter.__pushed %}
    dead_letter_queue = aws_sqs_queue.records.url
{% else %}
    source = "s3://${var.source_bucket}/${local.source_folder == "" ? "" : "${local.source_folder}/"}"
{% endif %}

{% if cookiecutter.sink in ("parquet-checkpoint", "own") %}
    {{ cookiecutter.__output }} = "s3://${var.output_bucket}/${var.output_key}"
{% elif cookiecutter.sink == "ndjson-archive" %}
    archive = "s3://${var.output_bucket}/${local.output_folder == "" ? "" : "${local.output_folder}/"}"
{% else %}
    table = aws_dynamodb_table.counters.name
{% endif %}
  }

  permissions = [
{% if cookiecutter.__pushed %}
    { actions = ["sqs:SendMessage"], resource = "${local.arn}:sqs:${local.in_region}:${local.name}-records-dead-letters", condition = null },
{% else %}
    { actions = ["s3:GetObject"], resource = "${local.arn}:s3:::${var.source_bucket}/${local.source_folder == "" ? "*" : "${local.source_folder}/*"}", condition = null },
    {
      actions   = ["s3:ListBucket"]
      resource  = "${local.arn}:s3:::${var.source_bucket}"
      condition = { StringLike = { "s3:prefix" = [local.source_folder == "" ? "*" : "${local.source_folder}/*"] } }
    },
{% endif %}
{% if cookiecutter.sink in ("parquet-checkpoint", "own") %}
    { actions = ["s3:GetObject", "s3:PutObject"], resource = "${local.arn}:s3:::${var.output_bucket}/${local.output_folder == "" ? "*" : "${local.output_folder}/*"}", condition = null },
    {
      actions   = ["s3:ListBucket"]
      resource  = "${local.arn}:s3:::${var.output_bucket}"
      condition = { StringLikeIfExists = { "s3:prefix" = [local.output_folder == "" ? "*" : "${local.output_folder}/*"] } }
    },
{% if cookiecutter.sink == "parquet-checkpoint" %}
    { actions = ["s3:DeleteObject"], resource = "${local.arn}:s3:::${var.output_bucket}/${trim("${local.output_folder}/_runs/*", "/")}", condition = null },
{% endif %}
{% elif cookiecutter.sink == "ndjson-archive" %}
    { actions = ["s3:PutObject"], resource = "${local.arn}:s3:::${var.output_bucket}/${local.output_folder == "" ? "*" : "${local.output_folder}/*"}", condition = null },
{% else %}
    { actions = ["dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"], resource = "${local.arn}:dynamodb:${local.in_region}:table/${local.name}-counters", condition = null },
{% endif %}
  ]

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      for each in local.permissions : merge(
        { Effect = "Allow", Action = each.actions, Resource = [each.resource] },
        each.condition == null ? {} : { Condition = each.condition },
      )
    ]
  })
}
