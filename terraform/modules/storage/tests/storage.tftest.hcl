# `override_during` needs Terraform 1.11 or later, the module does not.
mock_provider "aws" {
  override_during = plan

  mock_resource "aws_s3_bucket" {
    defaults = { id = "events-prod", arn = "arn:aws-us-gov:s3:::events-prod" }
  }
}

variables {
  bucket_name = "events-prod"
}

run "defaults" {
  command = plan

  assert {
    condition     = output.bucket_name == "events-prod" && output.bucket_arn == "arn:aws-us-gov:s3:::events-prod" && !aws_s3_bucket.this.force_destroy
    error_message = "The bucket must have the given name, and not be destroyed with what is in it."
  }

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.this.block_public_acls,
      aws_s3_bucket_public_access_block.this.block_public_policy,
      aws_s3_bucket_public_access_block.this.ignore_public_acls,
      aws_s3_bucket_public_access_block.this.restrict_public_buckets,
      aws_s3_bucket_ownership_controls.this.rule[0].object_ownership == "BucketOwnerEnforced",
    ])
    error_message = "Nothing may be public."
  }

  assert {
    condition     = aws_s3_bucket_versioning.this.versioning_configuration[0].status == "Enabled"
    error_message = "Versions must be kept."
  }

  assert {
    condition = one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default[0].sse_algorithm == "AES256" && !one(
      aws_s3_bucket_server_side_encryption_configuration.this.rule
    ).bucket_key_enabled
    error_message = "Without a key it must be S3's own encryption."
  }

  assert {
    condition = jsondecode(aws_s3_bucket_policy.this.policy).Statement == [{
      Sid       = "DenyWithoutTls"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = ["arn:aws-us-gov:s3:::events-prod", "arn:aws-us-gov:s3:::events-prod/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
    error_message = "Requests without TLS must be denied, for the bucket and its objects."
  }

  assert {
    condition     = length(aws_s3_bucket_logging.this) == 0 && length(aws_s3_bucket_notification.this) == 0
    error_message = "Logs and events must be off unless asked for."
  }
}

run "nothing_protected" {
  command = plan

  variables {
    protected_prefixes = []
    lifecycle_rules    = [{ prefix = "", expire_after_days = 30 }]
  }

  assert {
    condition     = length(aws_s3_bucket_lifecycle_configuration.this.rule) == 2
    error_message = "With nothing protected a rule may be for the whole bucket."
  }
}

# A key that is made by the same apply is not known at plan.
run "first_apply" {
  command = plan

  module {
    source = "./tests/first_apply"
  }

  assert {
    condition     = output.bucket_name == "events-prod"
    error_message = "The plan must know the bucket's name, for what is made beside it."
  }
}
