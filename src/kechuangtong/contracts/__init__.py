"""Technology contracts (技术合同): what is agreed, signed, amended, registered and paid."""
