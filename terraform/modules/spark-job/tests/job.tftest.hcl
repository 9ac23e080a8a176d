# The application or the job, and its role. Nothing is applied; the provider is a stand-in.

mock_provider "aws" {
  override_during = plan

  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_region" {
    defaults = { name = "us-east-1" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/visits-job" }
  }

  mock_resource "aws_emrserverless_application" {
    defaults = { id = "00abc", arn = "arn:aws:emr-serverless:us-east-1:123456789012:/applications/00abc" }
  }
}

variables {
  name            = "visits"
  packages_dir    = "../../tests/emr-serverless-job"
  artifact_bucket = "artifacts"
  options         = ["--source", "s3://events/", "--study", "it's"]
}

run "emr_serverless" {
  command = plan

  assert {
    condition = (
      aws_emrserverless_application.this[0].release_label == "emr-spark-8.1.0"
      && aws_emrserverless_application.this[0].architecture == "ARM64"
      && aws_emrserverless_application.this[0].maximum_capacity[0].cpu == "16 vCPU"
      && aws_emrserverless_application.this[0].maximum_capacity[0].memory == "64 GB"
      && aws_emrserverless_application.this[0].auto_stop_configuration[0].idle_timeout_minutes == 15
      && length(aws_emrserverless_application.this[0].network_configuration) == 0
    )
    error_message = "The application has the packages' architecture, a limit of capacity, and stops when idle."
  }

  assert {
    condition     = length(aws_glue_job.this) == 0 && output.job_name == null && output.application_id == "00abc" && output.service == "emr-serverless"
    error_message = "There is no job in Glue."
  }

  assert {
    condition     = jsondecode(output.job_driver).sparkSubmit.entryPointArguments == ["--source", "s3://events/", "--study", "it's"]
    error_message = "The options are arguments, each as it is."
  }

  assert {
    condition = alltrue([for part in [
      "--conf spark.archives=s3://artifacts/spark-jobs/visits/${jsondecode(file("../../tests/emr-serverless-job/manifest.json")).packages["environment.tar.gz"].sha256}/environment.tar.gz#environment",
      "--conf spark.emr-serverless.driverEnv.PYSPARK_DRIVER_PYTHON=./environment/bin/python",
      "--conf spark.emr-serverless.driverEnv.PYSPARK_PYTHON=./environment/bin/python",
      "--conf spark.executorEnv.PYSPARK_PYTHON=./environment/bin/python",
    ] : strcontains(jsondecode(output.job_driver).sparkSubmit.sparkSubmitParameters, part)])
    error_message = "Driver and executors use the archive, whose key tells its content."
  }

  assert {
    condition = jsondecode(aws_iam_role.job.assume_role_policy).Statement[0] == {
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "emr-serverless.amazonaws.com" }
      Condition = {
        StringEquals = { "aws:SourceAccount" = "123456789012" }
        ArnLike      = { "aws:SourceArn" = "arn:aws:emr-serverless:us-east-1:123456789012:/applications/00abc" }
      }
    }
    error_message = "Only this application may use the role."
  }

  assert {
    condition = (
      [for each in jsondecode(aws_iam_role_policy.job.policy).Statement : each.Sid] == ["ReadArtifacts"]
      && jsondecode(aws_iam_role_policy.job.policy).Statement[0].Action == ["s3:GetObject"]
      && alltrue([for arn in jsondecode(aws_iam_role_policy.job.policy).Statement[0].Resource : startswith(arn, "arn:aws:s3:::artifacts/spark-jobs/visits/")])
      && length(jsondecode(aws_iam_role_policy.job.policy).Statement[0].Resource) == 2
      && length(aws_iam_role_policy.report) == 0
    )
    error_message = "The role reads the archive and the script, and nothing else."
  }
}

run "glue" {
  command = plan

  variables {
    packages_dir      = "../../tests/glue-job"
    policy_json       = "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Effect\": \"Allow\", \"Action\": [\"s3:GetObject\"], \"Resource\": [\"arn:aws:s3:::events/*\"]}]}"
    data_kms_key_arns = ["arn:aws:kms:us-east-1:123456789012:key/k"]
  }

  assert {
    condition = (
      aws_glue_job.this[0].glue_version == "5.1"
      && aws_glue_job.this[0].worker_type == "G.1X"
      && aws_glue_job.this[0].number_of_workers == 2
      && aws_glue_job.this[0].timeout == 60
      && aws_glue_job.this[0].max_retries == 0
      && aws_glue_job.this[0].execution_property[0].max_concurrent_runs == 1
    )
    error_message = "The packages' Python decides Glue's version; a run is one at a time and has a limit."
  }

  assert {
    condition     = length(aws_emrserverless_application.this) == 0 && output.application_id == null && output.job_driver == null && output.job_name == "visits"
    error_message = "There is no application."
  }

  assert {
    condition = (
      startswith(aws_glue_job.this[0].default_arguments["--python-virtual-env"], "s3://artifacts/spark-jobs/visits/")
      && endswith(aws_glue_job.this[0].default_arguments["--python-virtual-env"], "/environment.tar.gz")
      && endswith(aws_glue_job.this[0].command[0].script_location, "/job.py")
    )
    error_message = "The job has its environment and its script."
  }

  assert {
    condition     = aws_glue_job.this[0].default_arguments["--report-options"] == "'--source' 's3://events/' '--study' 'it'\"'\"'s'"
    error_message = "The options are one argument, quoted as for a shell."
  }

  assert {
    condition     = jsondecode(aws_iam_role.job.assume_role_policy).Statement[0].Principal == { Service = "glue.amazonaws.com" }
    error_message = "Glue may use the role."
  }

  assert {
    condition     = [for each in jsondecode(aws_iam_role_policy.job.policy).Statement : each.Sid] == ["ReadArtifacts", "Log", "UseKeys"] && length(aws_iam_role_policy.report) == 1
    error_message = "The role logs, uses the keys, and may do what the report declares."
  }
}

run "network_of_yours" {
  command = plan

  variables {
    vpc = { subnet_ids = ["subnet-1"], security_group_ids = ["sg-1"] }
  }

  assert {
    condition     = aws_emrserverless_application.this[0].network_configuration[0].subnet_ids == toset(["subnet-1"])
    error_message = "The application is in the subnets."
  }
}
