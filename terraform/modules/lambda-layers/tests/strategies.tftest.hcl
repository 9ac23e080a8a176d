# Which layers are published, reused or taken as they are. Nothing is applied; the provider is a stand-in.

mock_provider "aws" {
  override_during = plan

  mock_data "aws_ssm_parameters_by_path" {
    defaults = { names = [], values = [] }
  }

  mock_resource "aws_lambda_layer_version" {
    defaults = {
      arn     = "arn:aws:lambda:us-east-1:123456789012:layer:mine:7"
      version = "7"
    }
  }
}

variables {
  packages_dir    = "../../tests/packages"
  owner           = "visits-dev"
  artifact_bucket = "artifacts"
}

run "first_apply_publishes_every_layer" {
  command = plan

  assert {
    condition     = output.strategy == tomap({ data-layer = "published", powertools-layer = "published" })
    error_message = "Where nothing is recorded, both layers are published."
  }

  assert {
    condition     = aws_lambda_layer_version.this["data-layer"].s3_bucket == "artifacts" && aws_lambda_layer_version.this["data-layer"].filename == null
    error_message = "What is over 50 MB goes through S3."
  }

  assert {
    condition = (
      aws_lambda_layer_version.this["powertools-layer"].filename == "../../tests/packages/powertools-layer.zip"
      && keys(aws_s3_object.artifact) == ["data-layer"]
    )
    error_message = "What is smaller is uploaded directly."
  }

  assert {
    condition     = strcontains(aws_s3_object.artifact["data-layer"].key, jsondecode(file("../../tests/packages/manifest.json")).packages["data-layer.zip"].sha256)
    error_message = "The object's key tells its content."
  }

  assert {
    condition = (
      aws_lambda_layer_version.this["data-layer"].compatible_runtimes == toset(["python3.12"])
      && aws_lambda_layer_version.this["data-layer"].compatible_architectures == toset(["arm64"])
      && aws_lambda_layer_version.this["data-layer"].skip_destroy
    )
    error_message = "Runtime and architecture are the packages'; versions stay."
  }

  assert {
    condition     = jsondecode(aws_ssm_parameter.record["data-layer"].value).version == 7 && endswith(aws_ssm_parameter.record["data-layer"].name, "/visits-dev")
    error_message = "What is published is recorded under its owner's name."
  }
}

run "same_content_of_another_deployment_is_reused" {
  command = plan

  override_data {
    target = data.aws_ssm_parameters_by_path.published
    values = {
      names = ["/reporting/layers/x/y/visits-prod", "/reporting/layers/x/y/orders-dev"]
      values = [
        "{\"arn\": \"arn:aws:lambda:us-east-1:123456789012:layer:theirs:9\", \"version\": 9, \"forced_at\": \"\"}",
        "{\"arn\": \"arn:aws:lambda:us-east-1:123456789012:layer:theirs:10\", \"version\": 10, \"forced_at\": \"\"}",
      ]
    }
  }

  assert {
    condition     = output.strategy == tomap({ data-layer = "reused", powertools-layer = "reused" }) && length(aws_lambda_layer_version.this) == 0
    error_message = "Nothing is published."
  }

  assert {
    condition     = output.layer_arns == tolist(["arn:aws:lambda:us-east-1:123456789012:layer:theirs:10", "arn:aws:lambda:us-east-1:123456789012:layer:theirs:10"])
    error_message = "Of several, the newest version is taken, by number."
  }

  assert {
    condition     = length(aws_s3_object.artifact) == 0 && length(aws_ssm_parameter.record) == 0
    error_message = "Nothing is uploaded or recorded."
  }
}

run "own_layer_stays_published" {
  command = plan

  override_data {
    target = data.aws_ssm_parameters_by_path.published
    values = {
      names = ["/reporting/layers/x/y/visits-prod", "/reporting/layers/x/y/visits-dev"]
      values = [
        "{\"arn\": \"arn:aws:lambda:us-east-1:123456789012:layer:theirs:9\", \"version\": 9, \"forced_at\": \"\"}",
        "{\"arn\": \"arn:aws:lambda:us-east-1:123456789012:layer:mine:7\", \"version\": 7, \"forced_at\": \"2026-01-02T03:04:05Z\"}",
      ]
    }
  }

  assert {
    condition     = output.strategy == tomap({ data-layer = "published", powertools-layer = "published" })
    error_message = "The plan after the first must not take its own record for another's, and destroy the layer."
  }

  assert {
    condition     = terraform_data.forced["data-layer"].triggers_replace == "2026-01-02T03:04:05Z"
    error_message = "Unsetting force_layer_update changes nothing: when it was last set is remembered."
  }
}

run "without_reuse_all_is_published" {
  command = plan

  variables {
    reuse_existing_layers = false
    retain_layer_versions = false
  }

  override_data {
    target = data.aws_ssm_parameters_by_path.published
    values = {
      names  = ["/reporting/layers/x/y/visits-prod"]
      values = ["{\"arn\": \"arn:aws:lambda:us-east-1:123456789012:layer:theirs:9\", \"version\": 9, \"forced_at\": \"\"}"]
    }
  }

  assert {
    condition     = output.strategy == tomap({ data-layer = "published", powertools-layer = "published" }) && !aws_lambda_layer_version.this["data-layer"].skip_destroy
    error_message = "Layers of others are not taken, and versions go with the deployment."
  }
}

run "force_publishes_what_others_have" {
  command = plan

  variables {
    force_layer_update = true
  }

  override_data {
    target = data.aws_ssm_parameters_by_path.published
    values = {
      names  = ["/reporting/layers/x/y/visits-prod"]
      values = ["{\"arn\": \"arn:aws:lambda:us-east-1:123456789012:layer:theirs:9\", \"version\": 9, \"forced_at\": \"\"}"]
    }
  }

  assert {
    condition     = output.strategy == tomap({ data-layer = "published", powertools-layer = "published" })
    error_message = "A forced update publishes."
  }

  assert {
    condition     = can(formatdate("YYYY", terraform_data.forced["data-layer"].triggers_replace))
    error_message = "A forced update has a new time, which replaces the version."
  }
}

run "external_layers_are_taken_as_they_are" {
  command = plan

  variables {
    packages_dir            = "nowhere"
    use_external_layer_arns = true
    external_layer_arns = [
      "arn:aws:lambda:us-east-1:017000801446:layer:AWSLambdaPowertoolsPythonV3-python312-arm64:18",
      "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:layer:data:3",
    ]
  }

  assert {
    condition     = output.layer_arns == var.external_layer_arns && length(aws_lambda_layer_version.this) == 0 && length(data.aws_ssm_parameters_by_path.published) == 0
    error_message = "Nothing is looked up or published, and no packages are needed."
  }

  assert {
    condition     = output.layer_versions["arn:aws-us-gov:lambda:us-gov-west-1:123456789012:layer:data"] == 3
    error_message = "Versions are told."
  }
}

run "external_and_force_contradict" {
  command = plan

  variables {
    use_external_layer_arns = true
    external_layer_arns     = ["arn:aws:lambda:us-east-1:123456789012:layer:data:3"]
    force_layer_update      = true
  }

  expect_failures = [var.use_external_layer_arns]
}

run "external_without_arns" {
  command = plan

  variables {
    use_external_layer_arns = true
  }

  expect_failures = [var.use_external_layer_arns]
}

run "arns_without_external" {
  command = plan

  variables {
    external_layer_arns = ["arn:aws:lambda:us-east-1:123456789012:layer:data:3"]
  }

  expect_failures = [var.use_external_layer_arns]
}

run "an_arn_without_version" {
  command = plan

  variables {
    use_external_layer_arns = true
    external_layer_arns     = ["arn:aws:lambda:us-east-1:123456789012:layer:data"]
  }

  expect_failures = [var.external_layer_arns]
}

run "too_many_layers" {
  command = plan

  variables {
    use_external_layer_arns = true
    external_layer_arns     = [for number in range(6) : "arn:aws:lambda:us-east-1:123456789012:layer:data:${number}"]
  }

  expect_failures = [var.external_layer_arns]
}

run "packages_are_not_there" {
  command = plan

  variables {
    packages_dir = "nowhere"
  }

  expect_failures = [var.packages_dir]
}

run "a_large_layer_without_bucket" {
  command = plan

  variables {
    artifact_bucket = null
  }

  expect_failures = [aws_s3_object.artifact]
}

run "names" {
  command = plan

  variables {
    owner       = "visits dev"
    name_prefix = "a/b"
    record_path = "/aws/layers"
  }

  expect_failures = [var.owner, var.name_prefix, var.record_path]
}
