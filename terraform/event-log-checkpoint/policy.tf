# What the report must be allowed to do: the same as `reporting iam event-log-checkpoint` prints for these settings.

locals {
  # Folders, without slashes around them. That of a checkpoint ends where the first column begins.
  source_folder     = trim(var.prefix, "/")
  checkpoint_folder = trim(regex("^(?:.*/)?", split("{", var.checkpoint_key)[0]), "/")
  quarantine_bucket = var.quarantine == null ? null : split("/", var.quarantine)[2]
  quarantine_folder = var.quarantine == null ? null : join("/", slice(split("/", var.quarantine), 3, length(split("/", var.quarantine)) - 1))

  reads = [{ bucket = var.source_bucket, folder = local.source_folder }]
  writes = concat(
    [{ bucket = var.checkpoint_bucket, folder = local.checkpoint_folder }],
    var.quarantine == null ? [] : [{ bucket = local.quarantine_bucket, folder = local.quarantine_folder }],
  )

  # The history of runs beside the checkpoint is merged now and then; with keep_runs = 0 there is none.
  keeps_runs = try(tonumber(var.settings.keep_runs), 500) != 0
  merges     = "arn:${data.aws_partition.current.partition}:s3:::${var.checkpoint_bucket}/${trim("${local.checkpoint_folder}/_runs/*", "/")}"

  statements = concat(
    [for place in local.reads : { place = place, actions = ["s3:GetObject"], condition = "StringLike" }],
    [for place in local.writes : { place = place, actions = ["s3:GetObject", "s3:PutObject"], condition = "StringLikeIfExists" }],
  )
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(flatten([
      for each in local.statements : [
        {
          Effect   = "Allow"
          Action   = each.actions
          Resource = ["arn:${data.aws_partition.current.partition}:s3:::${each.place.bucket}/${each.place.folder == "" ? "*" : "${each.place.folder}/*"}"]
        },
        {
          Effect    = "Allow"
          Action    = ["s3:ListBucket"]
          Resource  = ["arn:${data.aws_partition.current.partition}:s3:::${each.place.bucket}"]
          Condition = { (each.condition) = { "s3:prefix" = [each.place.folder == "" ? "*" : "${each.place.folder}/*"] } }
        },
      ]
    ]), local.keeps_runs ? [{ Effect = "Allow", Action = ["s3:DeleteObject"], Resource = [local.merges] }] : [])
  })
}
