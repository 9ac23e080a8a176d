# What the report must be allowed to do: the same as `reporting iam event-processor` prints for these settings, with the
# deployment's region and account. The stream is read by Lambda, not by the report: the module `reporting-lambda` allows that.

locals {
  # Of a queue that is there, its URL says whose it is.
  records_queue = local.create.dead_letters ? { account = data.aws_caller_identity.current.account_id, name = local.records_name } : {
    account = split("/", var.dead_letter_queue_url)[3], name = split("/", var.dead_letter_queue_url)[4]
  }
  in_region      = "${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}"
  arn            = "arn:${data.aws_partition.current.partition}"
  archive_object = "${local.arn}:s3:::${var.archive_bucket}/${local.archive_folder == "" ? "" : "${local.archive_folder}/"}"

  permissions = concat(
    [
      {
        actions  = ["sqs:SendMessage"]
        resource = "${local.arn}:sqs:${data.aws_region.current.name}:${local.records_queue.account}:${local.records_queue.name}"
      },
      # Payloads that are too long for the queue; what is there already is read, to see that it is the same.
      { actions = ["s3:GetObject", "s3:PutObject"], resource = "${local.archive_object}_dead-letters/*" },
    ],
    [
      for table in local.lookups :
      { actions = ["dynamodb:BatchGetItem"], resource = "${local.arn}:dynamodb:${local.in_region}:table/${table}" }
    ],
    [
      { actions = ["s3:PutObject"], resource = "${local.archive_object}*" },
      {
        # Markers are what counts an event once.
        actions  = var.delivery == "exactly-once" ? ["dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"] : ["dynamodb:UpdateItem"]
        resource = "${local.arn}:dynamodb:${local.in_region}:table/${local.counters_name}"
      },
    ],
  )
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [for each in local.permissions : { Effect = "Allow", Action = each.actions, Resource = [each.resource] }]
  })
}
