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

  statements = concat(
    [for place in local.reads : { place = place, actions = ["s3:GetObject"], condition = "StringLike" }],
    [for place in local.writes : { place = place, actions = ["s3:GetObject", "s3:PutObject"], condition = "StringLikeIfExists" }],
  )
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = flatten([
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
    ])
  })
}
