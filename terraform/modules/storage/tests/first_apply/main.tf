# Named here, or terraform test would not hand the mocked provider on.
terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

resource "terraform_data" "new" {}

module "storage" {
  source = "../.."

  bucket_name = "events-prod"
  kms_key_arn = terraform_data.new.id
}

output "bucket_name" {
  value = module.storage.bucket_name
}
