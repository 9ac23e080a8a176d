# A job on Spark, as `reporting build --target` made it: the manifest says for which service, architecture and Python.

locals {
  manifest = jsondecode(file("${var.packages_dir}/manifest.json"))
  emr      = local.manifest.service == "emr-serverless"
  archive  = "environment.tar.gz"
  script   = "job.py"
  sha256   = { (local.archive) = local.manifest.packages[local.archive].sha256, (local.script) = local.manifest.files[local.script] }
  uri      = { for name, object in aws_s3_object.artifact : name => "s3://${object.bucket}/${object.key}" }

  glue_versions = { "3.11" = "5.1", "3.13" = "6.0" }
  python        = "./environment/bin/python"
  properties = {
    "spark.archives"                                       = "${local.uri[local.archive]}#environment"
    "spark.emr-serverless.driverEnv.PYSPARK_DRIVER_PYTHON" = local.python
    "spark.emr-serverless.driverEnv.PYSPARK_PYTHON"        = local.python
    "spark.executorEnv.PYSPARK_PYTHON"                     = local.python
  }
}

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

resource "aws_s3_object" "artifact" {
  for_each = local.sha256

  bucket = var.artifact_bucket
  # The key tells the content, so that a new content is a new object and never one that is half replaced.
  key         = "${var.artifact_prefix}/${var.name}/${each.value}/${each.key}"
  source      = "${var.packages_dir}/${each.key}"
  source_hash = each.value

  # An object has 10 tags at the most, fewer than a provider may give to everything.
  override_provider {
    default_tags {
      tags = {}
    }
  }

  lifecycle {
    # A job that starts during an apply finds what it was started with. One that runs may lose it: executors that start later fetch the archive again.
    create_before_destroy = true

    precondition {
      condition     = filesha256("${var.packages_dir}/${each.key}") == each.value
      error_message = "${each.key} is not the one that manifest.json describes: build it again."
    }
  }
}

resource "aws_emrserverless_application" "this" {
  count = local.emr ? 1 : 0

  name          = var.name
  release_label = var.release_label
  type          = "SPARK"
  architecture  = upper(local.manifest.arch)
  tags          = var.tags

  maximum_capacity {
    cpu    = "${var.maximum_capacity.vcpus} vCPU"
    memory = "${var.maximum_capacity.memory_gb} GB"
  }

  auto_start_configuration {
    enabled = true
  }

  auto_stop_configuration {
    enabled              = true
    idle_timeout_minutes = var.idle_timeout_minutes
  }

  dynamic "network_configuration" {
    for_each = var.vpc[*]

    content {
      subnet_ids         = network_configuration.value.subnet_ids
      security_group_ids = network_configuration.value.security_group_ids
    }
  }
}

resource "aws_glue_job" "this" {
  count = local.emr ? 0 : 1

  name              = var.name
  description       = "The report ${local.manifest.report}"
  role_arn          = aws_iam_role.job.arn
  glue_version      = local.glue_versions[local.manifest.python]
  worker_type       = var.worker_type
  number_of_workers = var.number_of_workers
  timeout           = var.timeout_minutes
  max_retries       = 0
  tags              = var.tags

  command {
    name            = "glueetl"
    python_version  = "3"
    script_location = local.uri[local.script]
  }

  default_arguments = merge(
    { "--python-virtual-env" = local.uri[local.archive] },
    length(var.options) == 0 ? {} : { "--report-options" = join(" ", [for word in var.options : "'${replace(word, "'", "'\"'\"'")}'"]) },
  )

  execution_property {
    max_concurrent_runs = 1
  }

  lifecycle {
    precondition {
      condition     = var.vpc == null
      error_message = "vpc is for EMR Serverless; a job in Glue reaches a network of yours by a connection of Glue."
    }
  }
}
