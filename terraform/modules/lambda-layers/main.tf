# Which layers are published here, and which are taken from another deployment.
#
# Each published layer leaves a record, RECORD_PATH/NAME/SHA256/OWNER, in the parameter store. To look for records is no
# error where there are none, unlike looking for a layer that was never published: so the very first apply works.
# A deployment that has published a content goes on owning that version; else its next plan would take its own record for
# another's, and destroy the layer it has just made.

locals {
  direct_upload = 50 * 1024 * 1024 # bytes, what Lambda takes without S3

  manifest = var.use_external_layer_arns ? null : jsondecode(file("${var.packages_dir}/manifest.json"))
  layers = var.use_external_layer_arns ? {} : {
    for file, package in local.manifest.packages : trimsuffix(file, ".zip") => {
      name   = "${var.name_prefix}-${trimsuffix(file, ".zip")}"
      file   = "${var.packages_dir}/${file}"
      sha256 = package.sha256
      hash   = package.source_code_hash
      large  = package.zipped > local.direct_upload
    } if endswith(file, "-layer.zip")
  }

  records = {
    for key, layer in local.layers : key => zipmap(
      [for name in data.aws_ssm_parameters_by_path.published[key].names : element(split("/", name), -1)],
      [for value in nonsensitive(data.aws_ssm_parameters_by_path.published[key].values) : jsondecode(value)],
    )
  }
  others = {
    for key, records in local.records : key => [
      for version in reverse(sort([
        for owner, record in records : format("%012d %s", record.version, record.arn) if owner != var.owner
      ])) : split(" ", version)[1]
    ]
  }
  owned = {
    for key, layer in local.layers : key => layer
    if !var.reuse_existing_layers || var.force_layer_update || contains(keys(local.records[key]), var.owner) || length(local.others[key]) == 0
  }

  arns = {
    for key, layer in local.layers : key =>
    contains(keys(local.owned), key) ? aws_lambda_layer_version.this[key].arn : local.others[key][0]
  }
}

data "aws_ssm_parameters_by_path" "published" {
  for_each = local.layers

  path = "${var.record_path}/${each.value.name}/${each.value.sha256}"
}

resource "aws_s3_object" "artifact" {
  for_each = { for key, layer in local.owned : key => layer if layer.large }

  bucket = var.artifact_bucket
  # The key tells the content, so that a new content is a new object and never one that is half replaced.
  key         = "layers/${var.owner}/${each.value.name}-${each.value.sha256}.zip"
  source      = each.value.file
  source_hash = each.value.sha256

  # An object has 10 tags at the most, fewer than a provider may give to everything.
  override_provider {
    default_tags {
      tags = {}
    }
  }

  lifecycle {
    precondition {
      condition     = var.artifact_bucket != null
      error_message = "${each.key}.zip is over 50 MB, which Lambda takes from S3 only: set artifact_bucket."
    }
  }
}

resource "terraform_data" "forced" {
  for_each = local.owned

  # The time of the last forced update is remembered in the record, so that unsetting force_layer_update changes nothing.
  triggers_replace = var.force_layer_update ? plantimestamp() : try(local.records[each.key][var.owner].forced_at, "")
}

resource "aws_lambda_layer_version" "this" {
  for_each = local.owned

  layer_name               = each.value.name
  description              = "${each.key} of ${local.manifest.report} for ${local.manifest.arch}, sha256 ${substr(each.value.sha256, 0, 16)}"
  compatible_architectures = [local.manifest.arch]
  compatible_runtimes      = ["python${local.manifest.python}"]
  filename                 = each.value.large ? null : each.value.file
  s3_bucket                = each.value.large ? aws_s3_object.artifact[each.key].bucket : null
  s3_key                   = each.value.large ? aws_s3_object.artifact[each.key].key : null
  source_code_hash         = each.value.hash
  skip_destroy             = var.retain_layer_versions

  lifecycle {
    # The function must have its new layers before the old ones go.
    create_before_destroy = true
    replace_triggered_by  = [terraform_data.forced[each.key]]

    precondition {
      condition     = filesha256(each.value.file) == each.value.sha256
      error_message = "${each.key}.zip is not the one that manifest.json describes: build the packages again."
    }
  }
}

resource "aws_ssm_parameter" "record" {
  for_each = local.owned

  name        = "${var.record_path}/${each.value.name}/${each.value.sha256}/${var.owner}"
  description = "A published layer, by its content; managed by Terraform."
  type        = "String"
  value = jsonencode({
    arn       = aws_lambda_layer_version.this[each.key].arn
    version   = tonumber(aws_lambda_layer_version.this[each.key].version)
    forced_at = terraform_data.forced[each.key].triggers_replace
  })
  tags = var.tags
}
